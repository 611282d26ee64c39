// The thread that runs the networks, so that the page stays smooth.

import { NetworkError, loadNetworks } from "./networks.js"
import { Stream } from "./stream.js"

let stream = null
const canvas = new OffscreenCanvas(1, 1)
const context = canvas.getContext("2d", { willReadFrequently: true })

const answers = {
    async load({ numbers, base }) {
        const networks = await loadNetworks(numbers, base, share => postMessage({ type: "progress", share }))
        stream = new Stream(networks, numbers)
        await stream.warmUp()
        return {}
    },
    /** Read a picture, mirrored or not, and give it back; one that stands alone is no part of the stream. */
    async read({ picture, mirror, time, alone }) {
        const { width, height } = picture
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
        context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0)
        context.drawImage(picture, 0, 0)
        if (alone) stream.reset()
        return { ...(await stream.push(context.getImageData(0, 0, width, height), time)), picture }
    },
    async neutral({ take }) {
        if (take) stream.takeBaselines()
        else stream.clearBaselines()
        return {}
    },
    async smoothing({ seconds }) {
        stream.smoothing = seconds
        return {}
    },
}

onmessage = async ({ data: { id, type, ...message } }) => {
    try {
        const value = await answers[type](message)
        postMessage({ type: "answer", id, value }, value.picture ? [value.picture] : [])
    } catch (error) {
        const text = error instanceof NetworkError ? error.message : `A frame could not be read (${error.message}).`
        postMessage({ type: "answer", id, error: text })
    }
}
