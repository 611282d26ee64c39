// Numbers that stay with faces while they move and are hidden for a moment: fer_core/streaming/tracker.py.

import { overlap } from "./geometry.js"

export class Tracker {
    /** @param settings the numbers of Python: memory, box_buffer, same_face_iou, motion_time, max_tracks */
    constructor(settings) {
        this.settings = settings
        this.tracks = []
        this.next = 1
        this.time = -Infinity
    }

    /** Numbers of the remembered faces. */
    get known() {
        return new Set(this.tracks.map(track => track.number))
    }

    /** Return the faces of the last frame, moved to where they are expected at a time. */
    expected(time) {
        return this.tracks
            .filter(track => track.lastSeen === this.time && time - track.lastSeen <= this.settings.memory)
            .map(track => expectedFace(track, time))
    }

    /** Return the faces of a frame, each with the number of its track. */
    update(faces, time) {
        const { memory, motion_time, max_tracks } = this.settings
        const known = this.tracks.filter(track => time - track.lastSeen <= memory)
        const owners = this.match(known, faces, time)
        const numbered = faces.map((face, n) => {
            const track = owners.get(n) ?? { number: this.next++, velocity: [0, 0] }
            const elapsed = time - (track.lastSeen ?? time)
            if (elapsed > 0) {
                const keep = Math.exp(-elapsed / motion_time)
                const [x0, y0, x1, y1] = track.face.box, box = face.box
                const shift = [(box[0] + box[2] - x0 - x1) / 2, (box[1] + box[3] - y0 - y1) / 2]
                track.velocity = track.velocity.map((speed, axis) => keep * speed + (1 - keep) * shift[axis] / elapsed)
            }
            track.face = { ...face, track: track.number }
            track.lastSeen = time
            if (!known.includes(track)) known.push(track)
            return track.face
        })
        this.tracks = known.sort((one, other) => other.lastSeen - one.lastSeen).slice(0, max_tracks)
        this.time = time
        return numbered
    }

    /** Return number of a face → its track: pairs that overlap most come first. */
    match(tracks, faces, time) {
        const pairs = []
        faces.forEach((face, number) => {
            for (const track of tracks) {
                const shared = overlap(this.grown(face.box), this.grown(expectedFace(track, time).box))
                if (shared > 0) pairs.push({ number, track, shared })
            }
        })
        const owners = new Map(), taken = new Set()
        for (const { number, track } of pairs.sort((one, other) => other.shared - one.shared)) {
            if (owners.has(number) || taken.has(track)) continue
            owners.set(number, track)
            taken.add(track)
        }
        return owners
    }

    grown([x0, y0, x1, y1]) {
        const dx = this.settings.box_buffer * (x1 - x0), dy = this.settings.box_buffer * (y1 - y0)
        return [x0 - dx, y0 - dy, x1 + dx, y1 + dy]
    }
}

/** Return a track's face where it is expected, if its motion continues. */
function expectedFace({ face, velocity, lastSeen }, time) {
    const [dx, dy] = velocity.map(speed => speed * (time - lastSeen))
    const move = points => points && points.map((value, n) => value + (n % 2 ? dy : dx))
    return { ...face, box: move(face.box), points: move(face.points), landmarks: move(face.landmarks) }
}
