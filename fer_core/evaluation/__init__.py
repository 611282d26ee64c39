"""Evaluation of models and of explanation methods: metrics, comparisons, faithfulness, randomization."""
