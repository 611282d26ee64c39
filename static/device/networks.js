// The networks, run by ONNX Runtime Web in this thread: fer_core/runtime/onnx.py.

import * as ort from "./onnxruntime/ort.wasm.min.js"

/** A file of a network that is missing, altered, or cannot be run. */
export class NetworkError extends Error {}

/**
 * Load the networks, and ONNX Runtime.
 *
 * @param numbers runtime: {script, program}; networks: name → {graph, weights}. Files are {url, name, size, sha256}
 * @param base address that the files are relative to
 * @param tell is called with the share of the bytes that have arrived, 0..1
 */
export async function loadNetworks({ runtime, networks }, base, tell = () => {}) {
    if (!hasSimd()) {
        throw new NetworkError(
            "This browser cannot run the networks: it lacks WebAssembly SIMD. Use a Chrome, Edge, Firefox or Safari of 2023 or later."
        )
    }
    const files = new Map([[runtime.program.url, runtime.program]])
    for (const { graph, weights } of Object.values(networks)) {
        for (const file of [graph, weights]) files.set(file.url, file)
    }
    const total = [...files.values()].reduce((sum, file) => sum + file.size, 0)
    let arrived = 0
    const contents = new Map(await Promise.all([...files.values()].map(async file => {
        const bytes = await fetchFile(new URL(file.url, base), file.sha256, count => tell((arrived += count) / total))
        return [file.url, bytes]
    })))
    ort.env.wasm.numThreads = 1
    ort.env.wasm.wasmPaths = { mjs: new URL(runtime.script, base).href }
    ort.env.wasm.wasmBinary = contents.get(runtime.program.url)
    const loaded = {}
    for (const [name, { graph, weights }] of Object.entries(networks)) {
        const data = contents.get(weights.url)
        try {
            const session = await ort.InferenceSession.create(
                contents.get(graph.url), { externalData: [{ path: weights.name, data }] }
            )
            loaded[name] = new Network(session)
        } catch (error) {
            throw new NetworkError(`The network ${name} cannot be run (${error.message}). Load this page anew.`)
        }
    }
    return loaded
}

/** A network: arrays in, arrays out. */
class Network {
    constructor(session) {
        this.session = session
    }

    /** Return name of each output → its float32 values and dims. */
    async run(data, dims) {
        return this.session.run({ inputs: new ort.Tensor("uint8", data, dims) })
    }
}

/** Fetch a file and check its hash. */
async function fetchFile(url, sha256, tell) {
    const response = await fetch(url).catch(() => ({ ok: false, status: "no connection" }))
    if (!response.ok) {
        throw new NetworkError(`A file of the networks is missing (${url.pathname}: ${response.status}). Load this page anew, or tell whoever runs it.`)
    }
    const chunks = []
    const reader = response.body.getReader()
    for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        chunks.push(value)
        tell(value.length)
    }
    const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer())
    // Pages without HTTPS have no crypto.subtle; they get no camera either.
    if (crypto.subtle && hex(await crypto.subtle.digest("SHA-256", bytes)) !== sha256) {
        throw new NetworkError(`A file of the networks is damaged (${url.pathname}). Load this page anew, or tell whoever runs it.`)
    }
    return bytes
}

function hex(buffer) {
    return [...new Uint8Array(buffer)].map(byte => byte.toString(16).padStart(2, "0")).join("")
}

/** Return whether this browser has WebAssembly SIMD: it accepts the smallest module that uses it. */
function hasSimd() {
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]
    return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(bytes))
}
