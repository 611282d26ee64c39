// Similarities, boxes and the aligned square: fer_core/geometry.py. Points are flat arrays x, y, x, y …;
// coordinates count from pixel edges. A transform [a, b, c, d, e, f] maps x, y to a x + b y + c, d x + e y + f.

/** Return the least-squares rotation, uniform scale and shift from source to target points, in the precision of
 * Python's float32: a picture that is cut by it is then the same to the last pixel. */
export function similarity(source, target) {
    const count = source.length / 2
    let zx = 0, zy = 0, wx = 0, wy = 0
    for (let i = 0; i < source.length; i += 2) {
        zx += source[i] / count
        zy += source[i + 1] / count
        wx += target[i] / count
        wy += target[i + 1] / count
    }
    let spread = 0, real = 0, imaginary = 0
    for (let i = 0; i < source.length; i += 2) {
        const x = source[i] - zx, y = source[i + 1] - zy
        spread += x * x + y * y
        real += x * target[i] + y * target[i + 1]
        imaginary += x * target[i + 1] - y * target[i]
    }
    const [a, b] = spread > 0 ? [real / spread, imaginary / spread] : [1, 0]
    return [a, -b, wx - a * zx + b * zy, b, a, wy - b * zx - a * zy].map(Math.fround)
}

/** Return the inverse of a transform. */
export function inverted([a, b, c, d, e, f]) {
    const determinant = a * e - b * d
    return [
        e / determinant, -b / determinant, (b * f - c * e) / determinant,
        -d / determinant, a / determinant, (c * d - a * f) / determinant,
    ]
}

/** Return points under a transform. */
export function transformed(points, [a, b, c, d, e, f]) {
    const moved = new Float32Array(points.length)
    for (let i = 0; i < points.length; i += 2) {
        moved[i] = a * points[i] + b * points[i + 1] + c
        moved[i + 1] = d * points[i] + e * points[i + 1] + f
    }
    return moved
}

/** Return the scale of a similarity. */
export function scaleOf([a, , , d]) {
    return Math.hypot(a, d)
}

/** Return the similarity from a face's five points to their mean layout in a square of so many pixels. */
export function alignment(points, meanPoints, size) {
    return similarity(points, meanPoints.map(value => Math.fround(value * size)))
}

/** Return the corners of a region, given in sixths of the aligned square, in frame pixels. */
export function quad([top, bottom, left, right], transform, size) {
    const [x0, x1, y0, y1] = [left, right, top, bottom].map(edge => (edge * size) / 6)
    return transformed([x0, y0, x1, y0, x1, y1, x0, y1], inverted(transform))
}

/** Move an upright box [x0, y0, x1, y1] with a face; it is clipped to the frame. */
export function movedBox([x0, y0, x1, y1], transform, width, height) {
    const scale = scaleOf(transform) / 2
    const [x, y] = transformed([(x0 + x1) / 2, (y0 + y1) / 2], transform)
    const half = scale * (x1 - x0), tall = scale * (y1 - y0)
    return [
        clip(x - half, 0, width), clip(y - tall, 0, height),
        clip(x + half, 0, width), clip(y + tall, 0, height),
    ]
}

/** Return the intersection over union of two boxes. */
export function overlap(first, second) {
    const across = Math.min(first[2], second[2]) - Math.max(first[0], second[0])
    const down = Math.min(first[3], second[3]) - Math.max(first[1], second[1])
    if (across <= 0 || down <= 0) return 0
    return (across * down) / (area(first) + area(second) - across * down)
}

/** Return the part of the first box that lies in the second. */
export function shareInside(first, second) {
    const across = Math.min(first[2], second[2]) - Math.max(first[0], second[0])
    const down = Math.min(first[3], second[3]) - Math.max(first[1], second[1])
    return across > 0 && down > 0 ? (across * down) / Math.max(area(first), 1) : 0
}

export function area([x0, y0, x1, y1]) {
    return (x1 - x0) * (y1 - y0)
}

export function clip(value, low, high) {
    return Math.min(Math.max(value, low), high)
}
