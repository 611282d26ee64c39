// The page's side of the thread that runs the networks.

export class Reader {
    /** @param base address of the folder of these modules */
    constructor(base) {
        this.worker = new Worker(new URL("worker.js", base), { type: "module" })
        this.waiting = new Map()
        this.count = 0
        this.onprogress = () => {}
        this.worker.onmessage = ({ data }) => this.handle(data)
        this.worker.onerror = () => this.fail("The networks cannot be loaded: a file is missing, or this browser is too old. Load this page anew, or use a current browser.")
    }

    /** Ask the thread for something; resolves with its answer. */
    ask(type, message = {}, transferred = []) {
        return new Promise((resolve, reject) => {
            const id = this.count++
            this.waiting.set(id, { resolve, reject })
            this.worker.postMessage({ id, type, ...message }, transferred)
        })
    }

    handle({ type, id, value, error, share }) {
        if (type === "progress") return this.onprogress(share)
        const { resolve, reject } = this.waiting.get(id)
        this.waiting.delete(id)
        if (error) reject(new Error(error))
        else resolve(value)
    }

    fail(text) {
        for (const { reject } of this.waiting.values()) reject(new Error(text))
        this.waiting.clear()
    }

    close() {
        this.worker.terminate()
    }
}
