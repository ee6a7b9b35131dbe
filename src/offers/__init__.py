"""Offers that pay: a catalogue, what each offer is expected to bring, a budget, a control group, and what came of it.

Below stand the models: what they say of customers comes in as columns. Commands are in `regulars.pipelines.campaign`.
"""
