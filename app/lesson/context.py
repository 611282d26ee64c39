"""What every step of the lesson works with: the settings, its words, and the places on the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.lesson import texts
from app.lesson.computed import ReadBy, read_sample, sample_maps
from app.samples import SAMPLES, portrait
from app.session import PageSettings
from app.widgets import chart
from fer_core import Baseline
from fer_core.draw.overlay import OverlayStyle, draw_overlay
from fer_core.types import Explanation, Face, FrameResult, Image, RawMap, Reading


@dataclass(frozen=True)
class LessonContext:
    """One step on the page."""

    settings: PageSettings
    step: texts.Step
    number: int
    """Number of the step, from 1."""
    intro: DeltaGenerator
    """Place of the words above."""
    pictures: DeltaGenerator
    """Place of what there is to see and to do."""
    answers: DeltaGenerator
    """Place of the question."""

    @property
    def read_by(self) -> ReadBy:
        """The settings that every reading of the step depends on."""
        return ReadBy(self.settings.model, self.settings.prior, self.settings.detector)

    def find_face(self, sample: str = "Smile") -> Reading:
        """Return the reading of a sample; where no face is found the step ends with a sentence."""
        with st.spinner(texts.WAIT):
            readings = read_sample(sample, self.read_by, self.settings.analyzer)
        if not readings:
            st.warning(texts.NO_FACE)
            st.stop()
        return readings[0]

    def compare_with_smile(self, sample: str) -> Reading:
        """Return the reading of a sample, compared with the smile as if that were the face at rest."""
        settings = self.settings
        result = settings.analyzer.predict(
            SAMPLES[sample](),
            [self.find_face(sample).face],
            model=settings.model,
            prior=settings.prior,
            baseline=Baseline.from_readings([self.find_face("Smile")]),
        )
        return result.readings[0]

    def explain_portrait(self, reading: Reading) -> Explanation:
        """Return the map of the likeliest class on the portrait."""
        raw_map = self.maps_of("Smile", reading)[reading.top[0]]
        return self.settings.analyzer.explain(portrait(), reading, raw_map=raw_map)

    def maps_of(self, sample: str, reading: Reading) -> dict[str, RawMap]:
        """Return class -> map of a sample by Grad-CAM, or by occlusion where the model has no maps."""
        settings = self.settings
        method = settings.supported_method("gradcam")
        return sample_maps(sample, self.read_by, method, reading, settings.analyzer)

    def read_with_methods(self, methods: Sequence[str]) -> tuple[Reading, str]:
        """Return the reading of the portrait by a model with which all these methods work, and the model.

        That is the chosen model, or the default one where they do not work with that.
        """
        settings = self.settings
        works = all(settings.supported_method(method) == method for method in methods)
        model = settings.model if works else settings.analyzer.classifier().name
        by = self.read_by._replace(model=model)
        readings = read_sample("Smile", by, settings.analyzer)
        return readings[0], model

    def ask(
        self,
        right: str,
        names: Mapping[str, object],
        *,
        choices: Mapping[str, str] | None = None,
        replies: Mapping[str, str] | None = None,
        first: str = "",
    ) -> str | None:
        """Show the words of the step, ask its question, and reply to what is chosen.

        Args:
            right: key of the right choice.
            names: name in braces -> what replaces it.
            choices, replies: instead of those of the step.
            first: what to do before the question can be answered; "" once it is done.

        Returns:
            Key of what was chosen.
        """
        step = self.step
        choices, replies = choices or step.choices, replies or step.replies
        self.intro.markdown(step.words.format(**names))
        key = f"lesson_answer_{self.number}"
        waits = bool(first) and st.session_state.get(key) is None
        with self.answers:
            chosen = st.radio(
                f"**{step.question.format(**names)}**",
                list(choices),
                index=None,
                format_func=lambda key: choices[key].format(**names),
                key=key,
                persist_state="session",
                disabled=waits,
            )
            if chosen is None:
                st.caption(first or texts.CHOOSE)
                return None
            reply = replies[chosen].format(**names)
            if chosen == right:
                st.success(reply, icon=":material/check_circle:")
            else:
                st.warning(reply, icon=":material/cancel:")
            return chosen


def choose(label: str, options: Mapping[str, str], key: str, default: str) -> str:
    """Ask for the one thing to do in a step; the choice stays while others are looked at.

    Args:
        options: value -> how it is shown.
    """
    return str(
        st.pills(
            label,
            list(options),
            required=True,
            wrap=True,
            key=f"lesson_{key}",
            default=default,
            format_func=options.__getitem__,
            persist_state="session",
        )
    )


def large_chart(figure: go.Figure, key: str, alt: str) -> None:
    """Show a chart that is read from the last row."""
    figure.update_layout(font_size=16, legend_font_size=16, margin_r=66)
    figure.update_xaxes(showticklabels=False)
    figure.update_yaxes(tickfont_size=16)
    chart(figure, key, alt)


def show_tile(tile: Image, about: str) -> None:
    """Show a small map with what it is about."""
    st.image(tile, caption=about, width="stretch", alt=texts.ALT_MAP.format(about=about))


def close_up(image: Image, face: Face) -> Image:
    """Return the square around a face."""
    x0, y0, x1, y1 = face.box
    half = round(0.85 * max(face.width, face.height))
    x, y = round((x0 + x1) / 2), round((y0 + y1) / 2)
    return image[max(y - half, 0) : y + half, max(x - half, 0) : x + half]


def draw_map(reading: Reading, explanation: Explanation, opacity: float) -> Image:
    """Draw a map on the face of the portrait.

    Args:
        opacity: 0..1.
    """
    style = OverlayStyle(box=False, labels=False, bars=False, blocks=False, heatmap=opacity)
    drawn = draw_overlay(portrait(), FrameResult((reading,), ((explanation,),)), style)
    return close_up(drawn, reading.face)
