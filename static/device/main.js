// The page without a server behind it: index.html loads this.

import { mount } from "./view.js"

const base = new URL(".", import.meta.url)
const root = document.querySelector(".device")
try {
    const response = await fetch(new URL("numbers.json", base))
    mount(root, { base, numbers: await response.json() })
} catch {
    root.textContent = "A file of this page is missing. Load it anew, or tell whoever runs it."
}
