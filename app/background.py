"""What runs beside the pages as long as the server does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit.runtime import Runtime

from app.closed_tabs import ClosedTabs, sweep_for_ever
from app.live.ice import shared_probe
from app.live.viewers import shared_viewers


@asynccontextmanager
async def run_background_tasks(app: st.App) -> AsyncIterator[None]:
    """Forget closed tabs and probe the ICE servers as long as the server runs; the lifespan of ``st.App``."""
    tasks = [
        asyncio.create_task(sweep_for_ever(ClosedTabs(Runtime.instance(), shared_viewers()))),
        asyncio.create_task(shared_probe.run()),
    ]
    yield
    for task in tasks:
        task.cancel()
