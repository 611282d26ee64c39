// Landmarks, facial actions and eyes, and following faces by them: fer_core/faces/description.py.

import { alignment, inverted, movedBox, similarity, transformed } from "./geometry.js"
import { warped } from "./pixels.js"

export class Describer {
    /**
     * @param networks landmarks and eyes
     * @param settings the numbers of Python: mean_points, sizes, shares of the five points and so on
     */
    constructor(networks, settings) {
        this.networks = networks
        this.settings = settings
    }

    /** Return faces with landmarks, actions and eyes. */
    async describe(gray, faces) {
        const described = []
        for (const face of faces) {
            const found = await this.find(gray, face.points)
            described.push({ ...face, ...found, eyes: await this.eyes(gray, found.landmarks) })
        }
        return described
    }

    /**
     * Find known faces again near where they are expected.
     *
     * @returns for each the face, its box moved with its points; null where it is not there any more
     */
    async follow(gray, faces) {
        const followed = []
        for (const face of faces) {
            const expected = this.five(face.landmarks)
            let found = await this.find(gray, expected)
            let points = this.five(found.landmarks)
            const off = meanDistance(points, expected)
            if (off > this.settings.fast * (face.box[2] - face.box[0]) && found.present >= this.settings.still_there) {
                found = await this.find(gray, points)
                points = this.five(found.landmarks)
            }
            if (found.present < this.settings.still_there) {
                followed.push(null)
                continue
            }
            const box = movedBox(face.box, similarity(expected, points), gray.width, gray.height)
            followed.push({ ...face, ...found, box, points, eyes: await this.eyes(gray, found.landmarks) })
        }
        return followed
    }

    /** Return the landmarks and actions of a face by its five points, and whether it is there. */
    async find(gray, points) {
        const size = this.settings.landmarks_side
        const transform = alignment(points, this.settings.mean_points, size)
        const outputs = await this.networks.landmarks.run(warped(gray, transform, size).data, [1, 1, size, size])
        return {
            landmarks: transformed(outputs.points.data.map(value => value * size), inverted(transform).map(Math.fround)),
            actions: outputs.actions.data,
            present: outputs.present.data[0],
        }
    }

    /** Return how open both eyes are, the picture's left first; null where they are too small. */
    async eyes(gray, landmarks) {
        const { eyes_side: size, eye_width: share, min_eye_width: smallest, eyes } = this.settings
        const half = (share * size) / 2
        const target = [size / 2 - half, size / 2, size / 2 + half, size / 2]
        const corners = eyes.map(first => [first, first + 3].flatMap(n => [landmarks[2 * n], landmarks[2 * n + 1]]))
        if (corners.some(([x0, y0, x1, y1]) => Math.hypot(x1 - x0, y1 - y0) < smallest)) return null
        const data = new Uint8Array(2 * size * size)
        corners.forEach((pair, n) => data.set(warped(gray, similarity(pair, target), size).data, n * size * size))
        return [...(await this.networks.eyes.run(data, [2, 1, size, size])).open.data]
    }

    /** Return the five points of 78 landmarks. */
    five(landmarks) {
        const points = new Float32Array(10)
        this.settings.five.forEach((numbers, row) => {
            for (const number of numbers) {
                points[2 * row] += landmarks[2 * number] / numbers.length
                points[2 * row + 1] += landmarks[2 * number + 1] / numbers.length
            }
        })
        return points
    }
}

/** Return the mean distance of points from others. */
function meanDistance(points, others) {
    let sum = 0
    for (let i = 0; i < points.length; i += 2) sum += Math.hypot(points[i] - others[i], points[i + 1] - others[i + 1])
    return (2 * sum) / points.length
}
