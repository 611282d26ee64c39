// Pictures as plain arrays, scaled and cut as OpenCV does it for the networks in Python.

import { inverted, scaleOf } from "./geometry.js"

/** A picture: data holds width × height × channels bytes, row by row. */
export class Picture {
    constructor(width, height, channels, data = new Uint8Array(width * height * channels)) {
        Object.assign(this, { width, height, channels, data })
    }
}

/** Return the RGB picture of RGBA pixels. */
export function toRgb({ width, height, data }) {
    const picture = new Picture(width, height, 3)
    for (let from = 0, to = 0; from < data.length; from += 4) {
        picture.data[to++] = data[from]
        picture.data[to++] = data[from + 1]
        picture.data[to++] = data[from + 2]
    }
    return picture
}

/** Return the gray picture of an RGB one (Rec. 601 luma). */
export function toGray({ width, height, data }) {
    const gray = new Picture(width, height, 1)
    for (let from = 0, to = 0; from < data.length; from += 3) {
        gray.data[to++] = (data[from] * 9798 + data[from + 1] * 19235 + data[from + 2] * 3735 + 16384) >> 15
    }
    return gray
}

/** For each target pixel along one axis: the first source pixel, and the weights from there on. */
function weights(source, target) {
    const scale = source / target
    const rows = []
    for (let pixel = 0; pixel < target; pixel++) {
        if (scale <= 1) {  // enlarged: between two neighbors, as INTER_AREA of OpenCV does it
            const first = Math.min(Math.floor(pixel * scale), source - 1)
            let part = pixel + 1 - (first + 1) / scale
            part = part <= 0 ? 0 : part - Math.floor(part)
            rows.push(first + 1 < source ? [first, [1 - part, part]] : [first, [1]])
            continue
        }
        const start = pixel * scale, end = Math.min(start + scale, source)
        const first = Math.floor(start + 1e-6)
        const parts = []
        for (let at = first; at < end - 1e-6; at++) {
            parts.push((Math.min(at + 1, end) - Math.max(at, start)) / (end - start))
        }
        rows.push([first, parts])
    }
    return rows
}

/** Scale a picture by averaging areas. */
export function resized(picture, width, height) {
    if (picture.width === width && picture.height === height) return picture
    if (picture.width === 2 * width && picture.height === 2 * height) return halved(picture)
    const { channels, data } = picture
    const across = weights(picture.width, width), down = weights(picture.height, height)
    const target = new Picture(width, height, channels)
    const line = new Float32Array(picture.width * channels)
    for (let y = 0; y < height; y++) {
        const [top, rows] = down[y]
        line.fill(0)
        rows.forEach((weight, row) => {
            const from = (top + row) * line.length
            for (let i = 0; i < line.length; i++) line[i] += weight * data[from + i]
        })
        let to = y * width * channels
        for (let x = 0; x < width; x++) {
            const [left, columns] = across[x]
            for (let channel = 0; channel < channels; channel++) {
                let sum = 0
                for (let column = 0; column < columns.length; column++) {
                    sum += columns[column] * line[(left + column) * channels + channel]
                }
                target.data[to++] = rounded(sum)
            }
        }
    }
    return target
}

/** Return a picture of half the sides. */
function halved({ width, height, channels, data }) {
    const half = new Picture(width >> 1, height >> 1, channels)
    const stride = width * channels
    let to = 0
    for (let y = 0; y < half.height; y++) {
        for (let x = 0; x < half.width; x++) {
            const from = 2 * (y * stride + x * channels)
            for (let c = from; c < from + channels; c++) {
                half.data[to++] = (data[c] + data[c + channels] + data[c + stride] + data[c + stride + channels] + 2) >> 2
            }
        }
    }
    return half
}

/** A picture at full, half and quarter size and so on: fer_core/faces/pyramid.py. */
export class Pyramid {
    constructor(picture) {
        this.levels = [picture]
    }

    /** Return the picture scaled by 0.5 to the power of a number, or as far as it can be halved. */
    level(number) {
        const last = () => this.levels.at(-1)
        while (this.levels.length <= number && Math.min(last().width, last().height) > 1) {
            this.levels.push(halved(last()))
        }
        return this.levels[Math.min(number, this.levels.length - 1)]
    }

    /** Cut the squares around boxes; what lies outside is black. Return the pixels of all, and the squares. */
    crops(boxes, side) {
        const size = side * side * 3
        const data = new Uint8Array(boxes.length * size)
        const deepest = Math.floor(Math.log2(Math.max(1, Math.min(this.levels[0].width, this.levels[0].height))))
        const squares = boxes.map(([x0, y0, x1, y1], number) => {
            const longest = Math.max(x1 - x0, y1 - y0)
            const level = Math.floor(Math.min(Math.max(Math.log2(Math.max(longest, 1) / (2 * side)), 0), deepest))
            const step = 2 ** level
            const length = Math.max(1, rounded(longest / step))
            const left = rounded((x0 + x1) / step / 2 - length / 2)
            const top = rounded((y0 + y1) / step / 2 - length / 2)
            const crop = resized(square(this.level(level), left, top, length), side, side)
            data.set(crop.data, number * size)
            return [left, top, left + length, top + length].map(edge => edge * step)
        })
        return { data, squares }
    }
}

/** Round as numpy and OpenCV do: a half to the even neighbor. */
function rounded(value) {
    const nearest = Math.round(value)
    return Math.abs(value % 1) === 0.5 && nearest % 2 ? nearest - 1 : nearest
}

/** Copy a square out of a picture; what lies outside is black. */
function square(picture, left, top, length) {
    const copy = new Picture(length, length, picture.channels)
    const from = Math.max(left, 0), to = Math.min(left + length, picture.width)
    if (to <= from) return copy
    for (let y = Math.max(top, 0); y < Math.min(top + length, picture.height); y++) {
        const row = (y * picture.width + from) * picture.channels
        const target = ((y - top) * length + from - left) * picture.channels
        copy.data.set(picture.data.subarray(row, row + (to - from) * picture.channels), target)
    }
    return copy
}

const STEPS = 32  // parts of a pixel between which OpenCV interpolates
const FIXED = 1024  // parts of a pixel in which it adds up positions

/** Cut a square of so many pixels out of a gray picture by a similarity; faces that are larger are averaged. */
export function warped(gray, transform, size) {
    const scale = scaleOf(transform)
    const fine = scale > 0 ? Math.min(Math.max(Math.ceil(0.8 / scale), 1), 8) : 1
    const [a, b, c, d, e, f] = inverted(transform.map(value => value * fine))
    const side = size * fine
    const sampled = new Picture(side, side, 1)
    const { width, height, data } = gray
    let to = 0
    for (let row = 0; row < side; row++) {
        const left = rounded((b * row + (a + b - 1) / 2 + c) * FIXED) + FIXED / STEPS / 2
        const top = rounded((e * row + (d + e - 1) / 2 + f) * FIXED) + FIXED / STEPS / 2
        for (let column = 0; column < side; column++) {
            const x = Math.floor((left + rounded(a * column * FIXED)) / (FIXED / STEPS))
            const y = Math.floor((top + rounded(d * column * FIXED)) / (FIXED / STEPS))
            const x0 = Math.floor(x / STEPS), y0 = Math.floor(y / STEPS)
            const right = (x - STEPS * x0) / STEPS, down = (y - STEPS * y0) / STEPS
            const [west, east] = [inside(x0, width), inside(x0 + 1, width)]
            const [north, south] = [inside(y0, height) * width, inside(y0 + 1, height) * width]
            const above = data[north + west] + right * (data[north + east] - data[north + west])
            const below = data[south + west] + right * (data[south + east] - data[south + west])
            sampled.data[to++] = above + down * (below - above) + 0.5
        }
    }
    return resized(sampled, size, size)
}

/** Return the nearest row or column of a picture: beyond the border the edge is repeated. */
function inside(at, length) {
    return at < 0 ? 0 : at >= length ? length - 1 : at
}
