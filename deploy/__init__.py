"""The app as a hosted service: health, metrics, logs and an orderly end around the same pages.

``python -m deploy`` serves it; ``streamlit run streamlit_app.py`` needs none of this (docs/hosting.md).
"""
