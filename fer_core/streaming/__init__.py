"""One viewer's stream of frames: whatever lives in time.

from fer_core import Analyzer, Stream
stream = Stream(Analyzer())
result = stream.push(frame, time=seconds)
"""
