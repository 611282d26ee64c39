// MTCNN: a cascade of three small networks that finds faces and their five points: fer_core/faces/mtcnn.py.

import { clip, overlap, shareInside } from "./geometry.js"
import { Picture, Pyramid, resized } from "./pixels.js"

/** A candidate: box, margin ("face" over "no face", as a logit) and the five points. */
export class Detector {
    /**
     * @param networks pnet, rnet and onet
     * @param settings the numbers of Python: min_face, thresholds, scale_factor, rim and so on
     */
    constructor(networks, settings) {
        this.networks = networks
        this.settings = settings
    }

    /**
     * Detect known faces again, and others beside them.
     *
     * @param picture RGB
     * @param known boxes of faces that were there a moment ago
     * @param times look for others from so many times the smallest size on
     */
    async detect(picture, known = [], times = 1) {
        const { settings } = this
        const pyramid = new Pyramid(picture)
        const proposed = (await this.propose(pyramid, times * settings.min_face)).filter(box => !known.some(face =>
            shareInside(box, face) > settings.part_of_face || overlap(box, face) > settings.same_face
        ))
        const boxes = [...(await this.select(pyramid, proposed)), ...known]
        const first = this.distinct((await this.refine(pyramid, boxes)).filter(({ margin }) => margin > 0))
        const second = await this.refine(pyramid, first.map(({ box }) => box), true)
        const mean = first.map((candidate, n) => average(candidate, second[n]))
        return this.distinct(mean).map(({ box, margin, points }) => ({
            box: box.map((edge, n) => clip(edge, 0, n % 2 ? picture.height : picture.width)),
            score: score(margin),
            points,
        })).filter(face => face.score > settings.thresholds[2])
    }

    /** Run P-Net over the picture at every scale; return candidate boxes. */
    async propose(pyramid, smallest) {
        const { pnet_side: side, pnet_stride: stride, rim, thresholds } = this.settings
        const { width, height } = pyramid.level(0)
        const candidates = []
        let level = pyramid.level(Math.floor(Math.log2(Math.max(1, smallest / side / 2))))
        for (const window of this.windows(Math.min(width, height), smallest)) {
            const scale = side / window
            const [across, down] = [Math.ceil(width * scale), Math.ceil(height * scale)]
            level = resized(level, across, down)
            const input = framed(level, rim)
            const outputs = await this.networks.pnet.run(input.data, [1, input.height, input.width, 3])
            const [, rows, columns] = outputs.margins.dims
            const margins = outputs.margins.data, shifts = outputs.shifts.data
            const found = []
            for (let at = 0; at < margins.length; at++) {
                if (score(margins[at]) <= thresholds[0]) continue
                const x = (at % columns) * stride - rim, y = Math.floor(at / columns) * stride - rim
                const corners = [x * (width / across), y * (height / down), (x + side) * (width / across), (y + side) * (height / down)]
                const shift = [0, 1, 2, 3].map(n => shifts[n * rows * columns + at])
                found.push({ box: shifted(corners, shift), margin: margins[at] })
            }
            candidates.push(...this.distinct(found))
        }
        return this.distinct(candidates).map(({ box }) => box)
    }

    /** Return the side of the faces that each level detects; the last one fills the picture. */
    windows(shorter, smallest) {
        const sides = []
        for (let window = smallest; window < shorter; window /= this.settings.scale_factor) sides.push(window)
        return shorter >= smallest ? [...sides, shorter] : sides
    }

    /** Reject most candidates by R-Net and move the others; return boxes. */
    async select(pyramid, boxes) {
        if (!boxes.length) return []
        const side = this.settings.rnet_side
        const { data, squares } = pyramid.crops(boxes, side)
        const { shifts, margins } = await this.networks.rnet.run(data, [boxes.length, side, side, 3])
        const candidates = squares.map((square, n) => ({
            box: shifted(square, shifts.data.subarray(4 * n, 4 * n + 4)), margin: margins.data[n],
        }))
        const likely = candidates.filter(({ margin }) => score(margin) > this.settings.thresholds[1])
        return this.distinct(likely).map(({ box }) => box)
    }

    /** Run O-Net on each box, as it is or mirrored; return candidates. */
    async refine(pyramid, boxes, mirrored = false) {
        if (!boxes.length) return []
        const side = this.settings.onet_side
        const { data, squares } = pyramid.crops(boxes, side)
        if (mirrored) mirror(data, side)
        const { shifts, margins, points } = await this.networks.onet.run(data, [boxes.length, side, side, 3])
        return squares.map((square, n) => {
            let shift = [...shifts.data.subarray(4 * n, 4 * n + 4)]
            let five = [...points.data.subarray(10 * n, 10 * n + 10)]
            if (mirrored) {
                shift = [-shift[2], shift[1], -shift[0], shift[3]]
                five = this.settings.mirrored.flatMap(from => [1 - five[2 * from], five[2 * from + 1]])
            }
            const [x0, y0, x1, y1] = square
            return {
                box: shifted(square, shift),
                margin: margins.data[n],
                points: five.map((value, i) => i % 2 ? y0 + value * (y1 - y0) : x0 + value * (x1 - x0)),
            }
        })
    }

    /** Keep, of candidates of the same face, the one with the widest margin; the widest first. */
    distinct(candidates) {
        const kept = []
        for (const each of [...candidates].sort((one, other) => other.margin - one.margin)) {
            if (kept.every(other => overlap(each.box, other.box) <= this.settings.duplicate)) kept.push(each)
        }
        return kept
    }
}

/** Return the score in 0..1 of a margin. */
function score(margin) {
    return (1 + Math.tanh(margin / 2)) / 2
}

/** Move the sides of a box by shifts, given in its widths and heights. */
function shifted([x0, y0, x1, y1], [left, top, right, bottom]) {
    const width = x1 - x0, height = y1 - y0
    return [x0 + left * width, y0 + top * height, x1 + right * width, y1 + bottom * height]
}

/** Return the mean of two candidates. */
function average(first, second) {
    return {
        box: first.box.map((edge, n) => (edge + second.box[n]) / 2),
        margin: (first.margin + second.margin) / 2,
        points: first.points.map((value, n) => (value + second.points[n]) / 2),
    }
}

/** Return a picture with a black rim. */
function framed(picture, rim) {
    const whole = new Picture(picture.width + 2 * rim, picture.height + 2 * rim, 3)
    const stride = 3 * picture.width
    for (let y = 0; y < picture.height; y++) {
        whole.data.set(picture.data.subarray(y * stride, (y + 1) * stride), 3 * ((y + rim) * whole.width + rim))
    }
    return whole
}

/** Mirror RGB squares in place. */
function mirror(data, side) {
    for (let row = 0; row < data.length; row += 3 * side) {
        for (let left = row, right = row + 3 * (side - 1); left < right; left += 3, right -= 3) {
            for (let channel = 0; channel < 3; channel++) {
                const kept = data[left + channel]
                data[left + channel] = data[right + channel]
                data[right + channel] = kept
            }
        }
    }
}
