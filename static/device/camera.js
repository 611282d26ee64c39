// The camera of this device, and what to say where there is none.

/** Why there is no picture, in a sentence that says what to do. */
export class CameraError extends Error {}

const REASONS = {
    NotAllowedError: "This browser keeps the camera from this page. Allow it with the symbol beside the address, then press Start.",
    NotFoundError: "No camera was found. Plug one in, or switch it on: some laptops have a shutter or a key for it.",
    NotReadableError: "Another program has the camera. Close it, then press Start.",
    OverconstrainedError: "This camera is gone. Choose another one.",
}

/** Open a camera; the one of this id, or any. */
export async function openCamera(video, deviceId) {
    if (!navigator.mediaDevices?.getUserMedia) {
        throw new CameraError("Browsers give the camera only to pages from https:// or localhost. Open this page by its HTTPS address.")
    }
    try {
        const size = { width: { ideal: 640 }, height: { ideal: 480 } }
        const choice = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" }
        video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { ...size, ...choice }, audio: false })
    } catch (error) {
        throw new CameraError(REASONS[error.name] ?? `The camera cannot be opened (${error.message}).`)
    }
    await video.play()
}

/** Switch the camera off. */
export function closeCamera(video) {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop()
    video.srcObject = null
}

/** Return the id of the camera that is open, and the cameras of this device. */
export async function listCameras(video) {
    const devices = await navigator.mediaDevices.enumerateDevices()
    return {
        current: video.srcObject?.getVideoTracks()[0]?.getSettings().deviceId,
        cameras: devices.filter(({ kind }) => kind === "videoinput"),
    }
}
