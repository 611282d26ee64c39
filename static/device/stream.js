// One viewer's stream: follow faces from frame to frame, and smooth what is predicted: fer_core/streaming/stream.py.

import { area, overlap } from "./geometry.js"
import { Classifier } from "./classifier.js"
import { Describer } from "./landmarks.js"
import { Detector } from "./mtcnn.js"
import { Pyramid, toGray, toRgb } from "./pixels.js"
import { TemporalSmoother } from "./smoothing.js"
import { Tracker } from "./tracker.js"

export class Stream {
    /**
     * @param networks by name, as loadNetworks returns them
     * @param numbers what Python hands over (app/device/numbers.py)
     */
    constructor(networks, numbers) {
        this.numbers = numbers
        this.detector = new Detector(networks, numbers.mtcnn)
        this.describer = new Describer(networks, numbers.landmarks)
        this.classifier = new Classifier(networks.classifier, numbers.card, numbers.layout)
        this.smoothing = numbers.stream.smoothing
        this.reset()
    }

    /** Run every network once, since the first run of each is slow. */
    async warmUp() {
        const side = 4 * this.numbers.card.input_size
        const rgb = toRgb(new ImageData(side, side)), gray = toGray(rgb)
        await this.detector.detect(rgb, [[0, 0, side, side]])
        await this.detector.select(new Pyramid(rgb), [[0, 0, side, side]])
        const points = this.numbers.layout.mean_points.map(value => value * side)
        await this.classifier.predict(gray, await this.describer.describe(gray, [{ points }]))
    }

    /** Forget all faces. */
    reset() {
        this.tracker = new Tracker(this.numbers.tracker)
        this.states = new Map()
        this.first = null
        this.time = this.searched = this.searchedFully = -Infinity
        this.followed = 0
    }

    /**
     * Read a frame.
     *
     * @param pixels ImageData
     * @param time in seconds, on a clock that does not go back
     * @returns faces, largest first, and the milliseconds of each stage
     */
    async push(pixels, time) {
        const timings = {}
        const rgb = await stage(timings, "align", () => toRgb(pixels))
        const gray = await stage(timings, "align", () => toGray(rgb))
        const found = this.inOrder(await this.find(rgb, gray, time, timings))
        const predicted = await stage(timings, "predict", () => this.classifier.predict(gray, found))
        const faces = predicted.map(face => this.smooth(face, time))
        return { faces, timings, width: pixels.width, height: pixels.height }
    }

    /** Take the next second of every face in the picture for that person's neutral face. */
    takeBaselines() {
        for (const state of this.states.values()) Object.assign(state, { baseline: null, capture: [] })
    }

    /** Stop comparing faces with neutral ones. */
    clearBaselines() {
        for (const state of this.states.values()) Object.assign(state, { baseline: null, capture: null })
    }

    async find(rgb, gray, time, timings) {
        const { detect_every, search_fully_every, followed_between, large } = this.numbers.stream
        let { faces, allThere } = await stage(timings, "landmarks", () => this.follow(gray, time))
        const rested = !faces.length || this.followed >= followed_between
        const due = rested && time - this.searched >= detect_every
        this.followed++
        if (due || !allThere) {
            const fully = !allThere || time - this.searchedFully >= search_fully_every
            this.searched = time
            this.followed = 0
            if (fully) this.searchedFully = time
            const known = faces.map(face => face.box)
            const detected = await stage(timings, "detect", () => this.detector.detect(rgb, known, fully ? 1 : large))
            faces = detected.map(face => confirmed(face, faces, this.numbers.stream.same_face_iou))
            const missing = faces.filter(face => !face.landmarks)
            const described = await stage(timings, "landmarks", () => this.describer.describe(gray, missing))
            faces = faces.map(face => face.landmarks ? face : described[missing.indexOf(face)])
        }
        return this.tracker.update(faces, time)
    }

    async follow(gray, time) {
        const gap = time - this.time
        this.time = time
        if (gap >= this.numbers.stream.follow_gap) return { faces: [], allThere: false }
        const expected = this.tracker.expected(time)
        const found = await this.describer.follow(gray, expected)
        const faces = []
        for (const face of found) {
            if (face && faces.every(other => overlap(face.box, other.box) <= this.numbers.stream.same_face_iou)) faces.push(face)
        }
        return { faces, allThere: faces.length === expected.length }
    }

    /** Return the faces largest first; two of nearly the same size do not take turns. */
    inOrder(faces) {
        const rank = face => area(face.box) * (face.track === this.first ? this.numbers.stream.clearly_larger : 1)
        const ordered = [...faces].sort((one, other) => rank(other) - rank(one))
        if (ordered.length) this.first = ordered[0].track
        return ordered
    }

    /** Add to a face what is shown of it: probabilities of the averaged logits, label, whether it is unsure. */
    smooth(face, time) {
        for (const number of this.states.keys()) if (!this.tracker.known.has(number)) this.states.delete(number)
        const state = this.states.get(face.track) ?? { smoother: new TemporalSmoother(this.numbers.smoother) }
        this.states.set(face.track, state)
        this.capture(state, face, time)
        const mean = state.smoother.average(face.logits, time, this.smoothing)
        const probabilities = state.baseline
            ? this.classifier.compare(mean, state.baseline.logits)
            : this.classifier.calibrate(mean)
        const shown = state.smoother.stableLabel(probabilities, this.numbers.card.unsure_below, time, this.smoothing)
        return { ...face, probabilities, ...shown, compared: Boolean(state.baseline) }
    }

    /** Add a frame to the neutral face that is being taken. */
    capture(state, face, time) {
        if (!state.capture) return
        state.capture.push({ time, logits: face.logits })
        if (time - state.capture[0].time < this.numbers.stream.baseline_seconds) return
        const count = state.capture.length
        const logits = face.logits.map((_, n) => state.capture.reduce((sum, each) => sum + each.logits[n] / count, 0))
        Object.assign(state, { baseline: { logits }, capture: null })
    }
}

/** Return a detected face, or the followed one that it is: with the detector's box, and its own points. */
function confirmed(detected, followed, sameFace) {
    const best = followed.reduce((best, face) => {
        const shared = overlap(detected.box, face.box)
        return shared > best.shared ? { face, shared } : best
    }, { face: null, shared: sameFace })
    return best.face ? { ...best.face, box: detected.box, score: detected.score } : detected
}

/** Run a stage, and add its milliseconds to the timings. */
async function stage(timings, name, work) {
    const started = performance.now()
    const result = await work()
    timings[name] = (timings[name] ?? 0) + performance.now() - started
    return result
}
