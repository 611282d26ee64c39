"""One viewer's stream of frames: tracking, smoothing, blinks, and the state that a page shows.

from fer_core import Analyzer, Stream
stream = Stream(Analyzer())
result = stream.push(frame, time=seconds)
"""
