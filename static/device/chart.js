// The probabilities of the largest face over the last minute, drawn on this device.

import { percent } from "./draw.js"

const SECONDS = 60
const SAMPLE_EVERY = 0.25  // seconds: as fine as a chart of a minute can show
const MARGIN = { left: 44, right: 8, top: 8, bottom: 22 }

export class Chart {
    /** @param canvas where to draw; colors and names of the classes from Python */
    constructor(canvas, { expressions, draw }) {
        Object.assign(this, { canvas, expressions, colors: draw.colors })
        this.clear()
    }

    clear() {
        this.samples = []
    }

    /** Take the faces of a frame at a time in seconds; without a face the lines have a gap. */
    add(faces, time) {
        if (this.samples.length && time - this.samples.at(-1).time < SAMPLE_EVERY) return
        this.samples = [...this.samples.filter(each => time - each.time <= SECONDS), { time, probabilities: faces[0]?.probabilities }]
        if (this.canvas.clientWidth) this.draw(time)  // it is shown
    }

    draw(now) {
        const ratio = devicePixelRatio, { clientWidth: width, clientHeight: height } = this.canvas
        Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) })
        const context = this.canvas.getContext("2d")
        context.scale(ratio, ratio)
        const style = getComputedStyle(this.canvas)
        const x = time => MARGIN.left + (width - MARGIN.left - MARGIN.right) * (1 + (time - now) / SECONDS)
        const y = share => MARGIN.top + (height - MARGIN.top - MARGIN.bottom) * (1 - share)
        context.font = `12px ${style.fontFamily}`
        context.fillStyle = context.strokeStyle = style.color
        context.textAlign = "right"
        context.textBaseline = "middle"
        for (const share of [0, 0.5, 1]) context.fillText(`${100 * share} %`, MARGIN.left - 6, y(share))
        context.textAlign = "center"
        for (const back of [60, 40, 20]) context.fillText(`−${back} s`, Math.max(x(now - back), MARGIN.left), height - 8)
        context.globalAlpha = 0.2
        for (const share of [0, 0.5, 1]) context.fillRect(MARGIN.left, y(share), width - MARGIN.left - MARGIN.right, 1)
        context.globalAlpha = 1
        context.lineWidth = 2
        this.expressions.forEach((name, n) => {
            context.strokeStyle = this.colors[name]
            context.beginPath()
            let drawing = false
            for (const { time, probabilities } of this.samples) {
                if (probabilities) context[drawing ? "lineTo" : "moveTo"](x(time), y(probabilities[n]))
                drawing = Boolean(probabilities)
            }
            context.stroke()
        })
        const last = this.samples.at(-1)?.probabilities
        const words = last ? this.expressions.map((name, n) => `${name} ${percent(last[n])}`).join(", ") : "no face"
        this.canvas.setAttribute("aria-label", `The seven probabilities of the largest face over the last minute. Now: ${words}`)
    }
}
