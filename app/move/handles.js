// A face with points that can be pulled: by pointer, finger or arrow keys. Each pull sends the number of the
// landmark and where it is to go, as shares of the picture; the answer brings a new picture and new places.

const LEAST_MS = 60 // between two messages while a point is dragged
const KEYS = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, -0.01], ArrowDown: [0, 0.01] }

export default function ({ data, parentElement, setTriggerValue }) {
    const face = parentElement.querySelector(".face")
    const state = (face.state ??= { held: null, sent: 0, waiting: false })
    state.waiting = false
    state.send = (number, x, y) => setTriggerValue("pulled", { number, x, y })
    const image = face.querySelector("img")
    image.src = data.picture
    image.alt = data.alt
    face.querySelector("p").textContent = data.answer
    showPoints(face, data.handles, state)
    if (state.next) pull(state, ...state.next)
}

function showPoints(face, handles, state) {
    const points = face.querySelector(".points")
    const known = new Map([...points.children].map((button) => [Number(button.dataset.number), button]))
    for (const { number, title, x, y } of handles) {
        const button = known.get(number) ?? newPoint(face, number, state)
        known.delete(number)
        button.title = title
        button.setAttribute("aria-label", `Pull: ${title}`)
        if (!button.isConnected) points.append(button)
        if (state.held !== number) place(button, x, y)
    }
    for (const button of known.values()) button.remove()
}

function newPoint(face, number, state) {
    const button = document.createElement("button")
    button.type = "button"
    button.dataset.number = number
    button.addEventListener("pointerdown", (event) => {
        event.preventDefault()
        button.focus()
        button.setPointerCapture(event.pointerId)
        button.classList.add("held")
        state.held = number
    })
    button.addEventListener("pointermove", (event) => {
        if (state.held !== number) return
        const [x, y] = within(face, event)
        place(button, x, y)
        if (!state.waiting && performance.now() - state.sent > LEAST_MS) pull(state, number, x, y)
        else state.next = [number, x, y]
    })
    const release = (event) => {
        if (state.held !== number) return
        state.held = null
        state.next = null
        button.classList.remove("held")
        pull(state, number, ...within(face, event))
    }
    button.addEventListener("pointerup", release)
    button.addEventListener("pointercancel", release)
    button.addEventListener("keydown", (event) => {
        const step = KEYS[event.key]
        if (!step) return
        event.preventDefault()
        const [x, y] = [Number(button.dataset.x) + step[0], Number(button.dataset.y) + step[1]]
        place(button, x, y)
        pull(state, number, x, y)
    })
    return button
}

function pull(state, number, x, y) {
    state.sent = performance.now()
    state.waiting = true
    state.next = null
    state.send(number, x, y)
}

function place(button, x, y) {
    button.dataset.x = x
    button.dataset.y = y
    button.style.left = `${100 * x}%`
    button.style.top = `${100 * y}%`
}

function within(face, event) {
    const box = face.querySelector("img").getBoundingClientRect()
    const share = (value) => Math.min(Math.max(value, 0), 1)
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)]
}
