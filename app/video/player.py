"""The player of the page Video, and the line in the timeline that moves with it."""

from pathlib import PurePath
from typing import Final

import streamlit as st

from app.video.reading import ClipFile

PLAYABLE: Final = (".mp4", ".m4v", ".mov", ".webm")
"""Endings of files that browsers play."""

TIMELINE_KEY: Final = "video_timeline"
PLAYER_KEY: Final = "video_player"

# A line drawn by the server would make another chart, which Streamlit 1.67 shows without the zoom.
# The chart comes with a script of its own, so that it may not be there at first.
LINE_SCRIPT: Final = """
export default function ({ data }) {
    const find = selector => document.querySelector(selector)
    const chart = () => find(`.st-key-${data.timeline} .js-plotly-plot`)
    const player = () => find(`.st-key-${data.player} video`)
    let time = data.moment, chartWithLine = null, playerWithEvents = null

    function draw() {
        const axis = chartWithLine?._fullLayout?.xaxis, size = chartWithLine?._fullLayout?._size
        const area = chartWithLine?.querySelector(".svg-container")
        if (!axis || !size || !area) return
        let line = area.querySelector(".moment-line")
        if (!line) {
            line = document.createElement("div")
            line.className = "moment-line"
            area.append(line)
        }
        const x = axis.l2p(time)
        Object.assign(line.style, {
            position: "absolute", pointerEvents: "none", width: "1px", background: "#5b6165",
            left: `${size.l + x}px`, top: `${size.t}px`, height: `${size.h}px`,
            display: x < 0 || x > size.w ? "none" : "block",
        })
    }

    function follow() {
        time = player().currentTime
        draw()
    }

    const search = setInterval(() => {
        if (chart()?._fullLayout && chart() !== chartWithLine) {
            chartWithLine = chart()
            chartWithLine.on("plotly_afterplot", draw)
            draw()
        }
        if (player() && player() !== playerWithEvents) {
            playerWithEvents = player()
            playerWithEvents.currentTime = data.moment
            for (const event of ["timeupdate", "seeked"]) playerWithEvents.addEventListener(event, follow)
        }
    }, 100)
    return () => {
        clearInterval(search)
        chartWithLine?.removeListener?.("plotly_afterplot", draw)
        for (const event of ["timeupdate", "seeked"]) playerWithEvents?.removeEventListener(event, follow)
    }
}
"""


def render_player(clip: ClipFile) -> None:
    """Show the player, where the browser can play the clip."""
    if PurePath(clip.name).suffix.lower() in PLAYABLE:
        with st.container(key=PLAYER_KEY):
            st.video(clip.content)


def render_line(moment: float) -> None:
    """Mark a moment in the timeline, in seconds; the line follows the player, which starts there."""
    line = st.components.v2.component("moment_line", js=LINE_SCRIPT)
    line(
        key="video_line",
        data={"moment": moment, "timeline": TIMELINE_KEY, "player": PLAYER_KEY},
    )
