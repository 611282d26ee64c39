// Smoothing of the predictions for one face over time: fer_core/streaming/smoothing.py. Times are in seconds.

/** A value that changes at once if the change is clear, otherwise after it has been wrong for some time. */
class Hysteresis {
    constructor(value, time) {
        this.value = value
        this.agreed = time
    }

    update(value, { clear, time, patience }) {
        if (value === this.value) this.agreed = time
        else if (clear || time - this.agreed >= patience) {
            this.value = value
            this.agreed = time
        }
        return this.value
    }
}

export class TemporalSmoother {
    /** @param settings label_margin and unsure_margin */
    constructor(settings) {
        this.settings = settings
    }

    /** Return the moving average of logits up to the frame at a time. */
    average(logits, time, constant) {
        if (!this.mean || constant <= 0) this.mean = Float32Array.from(logits)
        else {
            const keep = Math.exp(-Math.max(time - this.time, 0) / constant)
            this.mean = this.mean.map((value, n) => keep * value + (1 - keep) * logits[n])
        }
        this.time = time
        return this.mean
    }

    /** Return the number of the class to show, and whether it is unsure. */
    stableLabel(probabilities, threshold, time, constant) {
        const highest = Math.max(...probabilities)
        const top = probabilities.indexOf(highest)
        const unsure = highest < threshold
        this.label ??= new Hysteresis(top, time)
        this.unsure ??= new Hysteresis(unsure, time)
        const lead = highest - probabilities[this.label.value]
        const { label_margin, unsure_margin } = this.settings
        return {
            label: this.label.update(top, { clear: lead >= label_margin, time, patience: constant }),
            unsure: this.unsure.update(unsure, {
                clear: Math.abs(highest - threshold) >= unsure_margin, time, patience: constant,
            }),
        }
    }
}
