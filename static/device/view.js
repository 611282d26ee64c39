// The live page inside the browser: picture, controls and words. Nothing leaves this device.

import { Chart } from "./chart.js"
import { CameraError, closeCamera, listCameras, openCamera } from "./camera.js"
import { drawFaces, headline } from "./draw.js"
import { Reader } from "./reader.js"

const LAYERS = { box: "Box", bars: "Probabilities", heatmap: "Heatmap", blocks: "Blocks", landmarks: "Landmarks" }
const SHOWN = ["box", "bars", "heatmap", "blocks"]
const MAX_SIDE = 1280  // pixels of the longer side of a photo; larger ones are scaled down
const RATE_WINDOW = 3  // seconds over which frames and milliseconds are averaged
const COUNTDOWN = 3  // seconds from the click to the neutral face
const NO_FACE_AFTER = 0.5  // seconds without a face until the page says so

const PAGE = `
<div class="bar">
  <div class="layers" role="group" aria-label="Show in the picture"></div>
  <label>Heatmap of <select name="target"><option value="">the likeliest</option></select></label>
  <label>Opacity <input name="opacity" type="range" min="0" max="1" step="0.05" value="0.6"></label>
  <label>Smoothing <input name="smoothing" type="range" min="0" max="1.5" step="0.05"></label>
  <label><input name="mirror" type="checkbox" checked> Mirror</label>
</div>
<div class="stage">
  <video playsinline muted hidden></video>
  <canvas width="640" height="480" role="img" aria-label="No picture yet"></canvas>
  <p class="message" role="status">Loading the networks …</p>
</div>
<div class="bar">
  <button class="primary" name="start" disabled>Start</button>
  <button name="pause" disabled>Pause</button>
  <label class="camera" hidden>Camera <select name="camera"></select></label>
  <button name="snapshot" disabled>Save picture</button>
  <button name="neutral" disabled>Compare with my neutral face</button>
  <label class="file">A photo instead <input name="photo" type="file" accept="image/*"></label>
</div>
<p class="meter" aria-live="off"></p>
<button name="chart" aria-pressed="false">Last minute</button>
<div class="chart" hidden><p class="legend"></p><canvas role="img" aria-label="The last minute"></canvas></div>
<p class="promise">Pictures are read on this device. None leaves it, and neither does what was read.</p>
`

/** Build the page in an element; returns a function that ends it. */
export function mount(root, { base, numbers }) {
    const view = new View(root, base, numbers)
    view.load()
    return () => view.close()
}

class View {
    constructor(root, base, numbers) {
        root.innerHTML = PAGE
        this.numbers = numbers
        this.base = base
        this.reader = new Reader(base)
        this.video = root.querySelector("video")
        this.canvas = root.querySelector(".stage canvas")
        this.chart = new Chart(root.querySelector(".chart canvas"), numbers)
        this.chartBox = root.querySelector(".chart")
        this.context = this.canvas.getContext("2d")
        this.message = root.querySelector(".message")
        this.meter = root.querySelector(".meter")
        this.control = name => root.querySelector(`[name=${name}]`)
        this.cameraChoice = root.querySelector(".camera")
        this.recent = []
        this.frames = 0
        this.lastFace = 0
        this.paused = this.compared = false
        this.control("smoothing").value = numbers.stream.smoothing
        this.addLayers(root.querySelector(".layers"))
        for (const name of numbers.expressions) this.control("target").add(new Option(name, numbers.expressions.indexOf(name)))
        for (const [name, color] of Object.entries(numbers.draw.colors)) {
            const entry = Object.assign(document.createElement("span"), { textContent: name })
            entry.style.setProperty("--class-color", color)
            root.querySelector(".legend").append(entry)
        }
        this.listen()
    }

    /** Load the networks; then the page can start. */
    async load() {
        this.reader.onprogress = share => this.say(`Loading the networks … ${Math.round(100 * share)} %`)
        try {
            await this.reader.ask("load", { numbers: this.numbers, base: this.base.href })
        } catch (error) {
            this.reader.onprogress = () => {}  // other files are still on their way
            this.say(error.message)
            this.control("photo").disabled = true
            return
        }
        this.say("Ask everybody in the picture first. Then press Start, and allow the camera.")
        this.control("start").disabled = false
        this.ready = true
    }

    close() {
        closeCamera(this.video)
        this.reader.close()
    }

    addLayers(group) {
        for (const [name, title] of Object.entries(LAYERS)) {
            const button = Object.assign(document.createElement("button"), { name, textContent: title, className: "layer" })
            button.setAttribute("aria-pressed", SHOWN.includes(name))
            button.onclick = () => {
                button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true")
                this.draw()
            }
            group.append(button)
        }
    }

    listen() {
        const on = (name, event, act) => this.control(name).addEventListener(event, () => act().catch?.(error => this.say(error.message)))
        on("start", "click", async () => this.video.srcObject ? this.stop() : this.start())
        on("pause", "click", async () => this.pause(!this.paused))
        on("camera", "change", async () => this.start(this.control("camera").value))
        on("snapshot", "click", async () => this.save())
        on("neutral", "click", async () => this.compare())
        on("photo", "change", async () => this.open(this.control("photo").files[0]))
        on("smoothing", "input", () => this.reader.ask("smoothing", { seconds: Number(this.control("smoothing").value) }))
        on("chart", "click", async () => {
            this.chartBox.hidden = !this.chartBox.hidden
            this.control("chart").setAttribute("aria-pressed", !this.chartBox.hidden)
        })
        for (const name of ["target", "opacity"]) on(name, "input", async () => this.draw())
    }

    async start(deviceId) {
        this.stop()
        this.say("Waiting for the camera …")
        try {
            await openCamera(this.video, deviceId)
        } catch (error) {
            if (!(error instanceof CameraError)) throw error
            this.say(error.message)
            return
        }
        const { current, cameras } = await listCameras(this.video)
        this.control("camera").replaceChildren(...cameras.map((camera, n) =>
            new Option(camera.label || `Camera ${n + 1}`, camera.deviceId, false, camera.deviceId === current)))
        this.cameraChoice.hidden = cameras.length < 2
        this.video.srcObject.getVideoTracks()[0].onended = () => {
            this.stop()
            this.say("The camera was unplugged, or another program took it. Press Start to try again.")
        }
        this.lastFace = performance.now() / 1000
        this.frames = 0
        this.recent = []
        this.chart.clear()
        this.running = true
        this.say("")
        this.updateButtons()
        this.next()
    }

    stop() {
        closeCamera(this.video)
        this.running = false
        this.pause(false)
        this.meter.textContent = ""
        this.say("Camera off.")
        this.updateButtons()
    }

    pause(paused) {
        this.paused = paused
        this.control("pause").textContent = paused ? "Go on" : "Pause"
        if (!paused && this.running) this.next()
    }

    updateButtons() {
        this.control("start").textContent = this.running ? "Stop" : "Start"
        this.control("start").classList.toggle("primary", !this.running)
        for (const name of ["pause", "neutral"]) this.control(name).disabled = !this.running
        this.control("snapshot").disabled = !this.result
    }

    /** Read the next frame of the camera. */
    async next() {
        if (this.waiting) return
        this.waiting = true
        await newFrame(this.video)
        try {
            if (this.running && !this.paused && this.video.videoWidth) await this.read(await createImageBitmap(this.video))
        } catch (error) {
            this.say(error.message)
        } finally {
            this.waiting = false
        }
        if (this.running && !this.paused) this.next()
    }

    /** Read a picture and show it. */
    async read(picture, alone = false) {
        const mirror = this.control("mirror").checked && !alone
        const started = performance.now()
        const result = await this.reader.ask("read", { picture, mirror, time: started / 1000, alone }, [picture])
        this.result?.picture.close()
        this.result = { ...result, mirror }
        this.draw()
        if (!alone && this.running) this.measure(result, performance.now() - started)
        this.updateButtons()
    }

    /** Draw the last picture with what was read in it. */
    draw() {
        if (!this.result) return
        const { picture, width, height, mirror } = this.result
        if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height })
        this.context.setTransform(mirror ? -1 : 1, 0, 0, 1, mirror ? width : 0, 0)
        this.context.drawImage(picture, 0, 0)
        this.context.resetTransform()
        drawFaces(this.context, this.result, this.style(), this.numbers)
        const answers = this.result.faces.map(face => headline(face, this.numbers.expressions))
        this.canvas.setAttribute("aria-label", answers.length ? `The picture. The answer: ${answers.join(", ")}` : "The picture, without a face")
        this.canvas.dataset.answer = JSON.stringify(this.result.faces.map(face => Array.from(face.probabilities)))
    }

    style() {
        const shown = name => this.control(name).getAttribute("aria-pressed") === "true"
        const target = this.control("target").value
        return {
            ...Object.fromEntries(Object.keys(LAYERS).map(name => [name, shown(name)])),
            opacity: Number(this.control("opacity").value),
            target: target === "" ? null : Number(target),
        }
    }

    /** Show frame rate and milliseconds, and whether there is a face. */
    measure({ faces, timings }, whole) {
        const now = performance.now() / 1000
        this.frames++
        this.recent = [...this.recent.filter(each => now - each.now < RATE_WINDOW), { now, timings, whole }]
        if (faces.length) this.lastFace = now
        this.chart.add(faces, now)
        if (!this.counting) this.say(now - this.lastFace > NO_FACE_AFTER ? "No face in the picture" : "")
        if (this.frames % 5) return
        const span = Math.max(now - this.recent[0].now, 1e-3)
        const mean = pick => this.recent.reduce((sum, each) => sum + (pick(each) ?? 0) / this.recent.length, 0)
        const stages = ["align", "landmarks", "detect", "predict"].map(name => `${name} ${mean(each => each.timings[name]).toFixed(1)}`)
        this.meter.textContent = `${((this.recent.length - 1) / span).toFixed(1)} frames a second · latency ${mean(each => each.whole).toFixed(0)} ms · ${this.frames.toLocaleString("en")} frames so far. Milliseconds: ${stages.join(" · ")}`
    }

    /** Take the neutral face of everybody in the picture, or forget it. */
    async compare() {
        this.compared = !this.compared
        const button = this.control("neutral")
        if (this.compared) {
            button.disabled = this.counting = true
            for (let left = COUNTDOWN; left; left--) {
                this.say(`Relax your face: ${left}`)
                await pause(1)
            }
            this.say("Hold still …")
        }
        await this.reader.ask("neutral", { take: this.compared })
        if (this.compared) await pause(this.numbers.stream.baseline_seconds)
        this.counting = false
        button.disabled = !this.running
        button.textContent = this.compared ? "Forget my neutral face" : "Compare with my neutral face"
    }

    /** Read a photo in place of the camera. */
    async open(file) {
        if (!file || !this.ready) return
        this.stop()
        let picture
        try {
            picture = await createImageBitmap(file, { imageOrientation: "from-image" })
        } catch {
            this.say(`${file.name} cannot be opened as a picture. Choose a JPEG, PNG or WebP file.`)
            return
        }
        const scale = Math.min(1, MAX_SIDE / Math.max(picture.width, picture.height))
        const [resizeWidth, resizeHeight] = [picture.width, picture.height].map(side => Math.max(1, Math.round(scale * side)))
        this.say("Reading …")
        await this.read(await createImageBitmap(picture, { resizeWidth, resizeHeight, resizeQuality: "high" }), true)
        picture.close()
        this.say(this.result.faces.length ? "" : "No face in the picture")
        this.control("photo").value = ""
    }

    /** Save the picture as it is shown. */
    save() {
        this.canvas.toBlob(blob => {
            const url = URL.createObjectURL(blob)
            Object.assign(document.createElement("a"), { href: url, download: "expression-lens.png" }).click()
            URL.revokeObjectURL(url)
        })
    }

    say(text) {
        if (this.message.textContent !== text) this.message.textContent = text
        this.message.hidden = !text
    }
}

/** Resolve with the next frame of a video; without one, after a second. */
function newFrame(video) {
    return Promise.race([
        new Promise(resolve => video.requestVideoFrameCallback ? video.requestVideoFrameCallback(resolve) : requestAnimationFrame(resolve)),
        pause(1),
    ])
}

function pause(seconds) {
    return new Promise(resolve => setTimeout(resolve, 1000 * seconds))
}
