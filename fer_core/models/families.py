"""Every network family: importing this module registers them."""

from fer_core.models import (  # noqa: F401
    boosted,
    cnn_lstm,
    dexpression,
    dnn,
    emonet,
    emotional_dan,
    ferplus_cnn,
    hybrid,
    inception,
    kernel_machine,
    plain,
    prior_attention,
    prior_blocks,
    simple_cnn,
    xception,
)
