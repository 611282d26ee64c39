// Draw what was read into the picture: fer_core/draw. All sizes are in pixels of a 640×480 frame times a unit.

import { inverted } from "./geometry.js"

const INK = "rgb(22 27 31)"
const UNSURE = "rgb(226 230 232)"
const FONT = "600 {}px 'Source Sans', 'Source Sans Pro', system-ui, sans-serif"

/**
 * Draw faces.
 *
 * @param context of a canvas that shows the frame
 * @param result of Stream.push
 * @param style box, bars, heatmap, blocks, landmarks: whether each is drawn; opacity of the heatmap 0..1;
 *     target: number of the class of the heatmap, null for the one that is shown
 * @param numbers what Python hands over
 */
export function drawFaces(context, { faces, width, height }, style, numbers) {
    const unit = Math.max(0.25, Math.min(width, height) / 480)
    const taken = []
    for (const face of faces) if (style.heatmap) drawHeat(context, face, style, numbers)
    for (const face of [...faces].reverse()) {
        const small = unit * Math.min(Math.max((face.box[2] - face.box[0]) / (140 * unit), 0.6), 1)
        if (style.landmarks) drawLandmarks(context, face, small, numbers.draw)
        if (style.blocks) drawBlocks(context, face, small)
        if (style.box) drawBox(context, face, small, faces.length > 1, numbers)
    }
    const [first] = faces
    if (first && style.bars) taken.push(drawBars(context, first, faces, { width, height, unit }, numbers))
    if (first && style.blocks) drawWeights(context, first, { width, height, unit }, taken, numbers.draw)
}

/** Return the answer in words, such as "happy 83 %" or "unsure: sad 31 %". */
export function headline(face, expressions) {
    const words = `${expressions[face.label]} ${percent(face.probabilities[face.label])}`
    return `${face.compared ? "Δ " : ""}${face.unsure ? "unsure: " : ""}${words}`
}

/** Return a share in whole percent, as people read it. */
export function percent(share) {
    if (share > 0 && share < 0.01) return "< 1 %"
    if (share > 0.99 && share < 1 - 1e-6) return "> 99 %"
    return `${Math.round(100 * share)} %`
}

function colorOf(face, { expressions, draw }) {
    return face.unsure ? UNSURE : draw.colors[expressions[face.label]]
}

const shades = new OffscreenCanvas(48, 48)

/** Draw the evidence for a class: the hotter, the brighter and the more opaque. */
function drawHeat(context, face, { target, opacity }, { draw, card }) {
    if (!face.evidence) return
    const cells = face.evidence.length / face.logits.length, side = Math.sqrt(cells)
    const number = target ?? face.label
    const map = face.evidence.subarray(number * cells, (number + 1) * cells)
    const peak = Math.max(...map)
    if (!(peak > 0) || map.every(value => value === map[0])) return
    const size = shades.width
    const image = new ImageData(size, size)
    for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
            const heat = Math.min(between(map, side, (x + 0.5) * side / size, (y + 0.5) * side / size) / peak, 1)
            if (heat <= draw.visible) continue
            const level = 3 * Math.round(255 * heat)
            image.data.set([...draw.warm.slice(level, level + 3), Math.round(255 * heat * opacity)], 4 * (y * size + x))
        }
    }
    shades.getContext("2d").putImageData(image, 0, 0)
    const [a, b, c, d, e, f] = inverted(face.transform)
    context.save()
    context.transform(a, d, b, e, c, f)
    context.drawImage(shades, 0, 0, card.input_size, card.input_size)
    context.restore()
}

/** Return the positive part of a map between the centers of its cells. */
function between(map, side, x, y) {
    const at = (column, row) => Math.max(map[row * side + column], 0)
    const clamp = value => Math.min(Math.max(value, 0), side - 1)
    const left = Math.floor(x - 0.5), top = Math.floor(y - 0.5)
    const right = x - 0.5 - left, down = y - 0.5 - top
    const [x0, x1, y0, y1] = [clamp(left), clamp(left + 1), clamp(top), clamp(top + 1)]
    const above = at(x0, y0) + right * (at(x1, y0) - at(x0, y0))
    const below = at(x0, y1) + right * (at(x1, y1) - at(x0, y1))
    return above + down * (below - above)
}

function drawLandmarks(context, { landmarks, eyes }, unit, { curves, irises, open, mesh }) {
    context.strokeStyle = `rgb(${mesh.join(" ")})`
    context.lineWidth = Math.max(1, 1.2 * unit)
    for (const [start, stop, closed] of curves) {
        context.beginPath()
        for (let n = start; n < stop; n++) context.lineTo(landmarks[2 * n], landmarks[2 * n + 1])
        if (closed) context.closePath()
        context.stroke()
    }
    irises.forEach((start, n) => {
        if ((eyes?.[n] ?? 1) < open) return
        const [x, y] = [landmarks[2 * start], landmarks[2 * start + 1]]
        const rim = [1, 2, 3, 4].map(i => Math.hypot(landmarks[2 * (start + i)] - x, landmarks[2 * (start + i) + 1] - y))
        context.beginPath()
        context.arc(x, y, rim.reduce((sum, radius) => sum + radius / 4, 0), 0, 2 * Math.PI)
        context.stroke()
    })
}

function drawBlocks(context, { weights, quads }, unit) {
    context.strokeStyle = "white"
    for (const [region, weight] of Object.entries(weights ?? {})) {
        if (region === "face") continue
        context.lineWidth = Math.max(1, unit * (1 + 2 * weight))
        context.beginPath()
        for (let i = 0; i < 8; i += 2) context.lineTo(quads[region][i], quads[region][i + 1])
        context.closePath()
        context.stroke()
    }
}

function drawBox(context, face, unit, several, numbers) {
    const [x0, y0, x1, y1] = face.box
    context.strokeStyle = colorOf(face, numbers)
    context.lineWidth = Math.max(1, 2 * unit)
    context.beginPath()
    context.roundRect(x0, y0, x1 - x0, y1 - y0, 0.08 * Math.min(x1 - x0, y1 - y0))
    context.stroke()
    const text = (several ? `${face.track} · ` : "") + headline(face, numbers.expressions)
    const size = Math.max(9, Math.round(20 * unit))
    const above = y0 - 1.5 * size - 4 * unit
    pill(context, text, x0, above >= 0 ? above : y0 + 4 * unit, size, colorOf(face, numbers), face.unsure ? INK : "white")
}

/** Draw all probabilities in the corner where they hide least; return their box. */
function drawBars(context, face, faces, { width, height, unit }, { expressions, draw }) {
    const size = Math.max(9, Math.round(17 * unit)), pad = 10 * unit, margin = 8 * unit, row = 1.6 * size
    context.font = FONT.replace("{}", size)
    const names = Math.max(...expressions.map(name => context.measureText(name).width))
    const percents = context.measureText("> 99 %").width
    const full = 68 * unit
    const across = 2 * pad + names + full + percents + 2 * margin, down = 2 * pad + row * expressions.length
    const corners = [[margin, height - down - margin], [width - across - margin, height - down - margin],
        [margin, margin], [width - across - margin, margin]]
    const hidden = ([left, top]) => faces.map(({ box }) => shared([left, top, left + across, top + down], box))
    const [left, top] = corners.reduce((best, corner) => hidden(corner)[0] < hidden(best)[0] ? corner : best)
    context.fillStyle = "rgb(22 27 31 / 72%)"
    context.beginPath()
    context.roundRect(left, top, across, down, 10 * unit)
    context.fill()
    context.textBaseline = "middle"
    expressions.forEach((name, n) => {
        const middle = top + pad + (n + 0.5) * row, share = face.probabilities[n]
        const start = left + pad + names + margin
        context.fillStyle = n === face.label ? "white" : "rgb(176 186 192)"
        context.textAlign = "left"
        context.fillText(name, left + pad, middle)
        context.textAlign = "right"
        context.fillText(percent(share), left + across - pad, middle)
        for (const [length, color] of [[full, "rgb(255 255 255 / 15%)"], [share * full, draw.colors[name]]]) {
            context.fillStyle = color
            context.beginPath()
            context.roundRect(start, middle - 0.2 * row, Math.max(length, 0), 0.4 * row, 0.2 * row)
            context.fill()
        }
    })
    return [left, top, left + across, top + down]
}

/** Draw the weight of each block right of it, else left of it, else at its right end. */
function drawWeights(context, face, { width, height, unit }, taken, { block_names: names }) {
    const size = Math.max(9, Math.round(16 * unit)), gap = 6 * unit
    for (const [region, weight] of Object.entries(face.weights ?? {})) {
        const text = `${names[region]} ${percent(weight)}`
        context.font = FONT.replace("{}", size)
        const across = context.measureText(text).width + size, down = 1.5 * size
        const [ax, ay, bx, by, cx, cy, dx, dy] = face.quads[region]
        const left = [(ax + dx) / 2, (ay + dy) / 2], right = [(bx + cx) / 2, (by + cy) / 2]
        const places = [
            [Math.max(right[0], face.box[2]) + gap, right[1] - down / 2],
            [Math.min(left[0], face.box[0]) - gap - across, left[1] - down / 2],
            [right[0] - gap - across, right[1] - down / 2],
        ]
        const fits = ([x, y]) => x >= 0 && y >= 0 && x + across <= width && y + down <= height
            && taken.every(box => !shared([x, y, x + across, y + down], box))
        const [x, y] = places.find(fits) ?? places[2]
        pill(context, text, x, y, size, "rgb(22 27 31 / 80%)", "white")
    }
}

/** Draw a short text on a rounded ground, moved into the picture. */
function pill(context, text, left, top, size, color, ink) {
    context.font = FONT.replace("{}", size)
    const across = context.measureText(text).width + size, down = 1.5 * size
    const x = Math.max(0, Math.min(left, context.canvas.width - across))
    const y = Math.max(0, Math.min(top, context.canvas.height - down))
    context.fillStyle = color
    context.beginPath()
    context.roundRect(x, y, across, down, down / 3)
    context.fill()
    context.fillStyle = ink
    context.textAlign = "left"
    context.textBaseline = "middle"
    context.fillText(text, x + size / 2, y + down / 2)
}

/** Return the area that two boxes have in common. */
function shared(first, second) {
    const across = Math.min(first[2], second[2]) - Math.max(first[0], second[0])
    const down = Math.min(first[3], second[3]) - Math.max(first[1], second[1])
    return Math.max(0, across) * Math.max(0, down)
}
