// The network that assigns classes, and its probabilities: fer_core/models/classifier.py.

import { alignment, quad } from "./geometry.js"
import { warped } from "./pixels.js"

export class Classifier {
    /**
     * @param network the forward pass
     * @param card the numbers of the model card: input_size, temperature, shift and so on
     * @param layout mean_points, and blocks: name of each region → its edges in sixths
     */
    constructor(network, card, layout) {
        this.network = network
        this.card = card
        this.layout = layout
    }

    /** Predict each face of a frame; return faces with logits, evidence, weights and corners of the regions. */
    async predict(gray, faces) {
        if (!faces.length) return []
        const { input_size: size, regions } = this.card
        const transforms = faces.map(({ points }) => alignment(points, this.layout.mean_points, size))
        const data = new Uint8Array(faces.length * size * size)
        transforms.forEach((transform, n) => data.set(warped(gray, transform, size).data, n * size * size))
        const outputs = await this.network.run(data, [faces.length, 1, size, size])
        const part = (name, n) => {
            const each = outputs[name]
            if (!each) return null
            const length = each.data.length / faces.length
            return each.data.slice(n * length, (n + 1) * length)
        }
        return faces.map((face, n) => {
            const weights = part("region_attention", n)
            return {
                ...face,
                transform: transforms[n],
                logits: part("logits", n),
                evidence: part("evidence", n),
                quads: Object.fromEntries(Object.entries(this.layout.blocks).map(
                    ([name, edges]) => [name, quad(edges, transforms[n], size)]
                )),
                weights: weights && Object.fromEntries(regions.map((name, i) => [name, weights[i]])),
            }
        })
    }

    /** Return the probabilities of logits, at the card's temperature and class shares. */
    calibrate(logits) {
        return softmax(this.scores(logits, this.card.prior_strength))
    }

    /** Return the probabilities of logits compared with those of the person's neutral face. */
    compare(logits, neutral) {
        const { baseline_weight, baseline_offset, baseline_temperature, neutral_index } = this.card
        const base = this.scores(neutral, 1)
        const scores = this.scores(logits, 1).map((score, n) =>
            (score - baseline_weight * base[n] + (n === neutral_index ? baseline_offset : 0)) / baseline_temperature)
        return softmax(scores)
    }

    scores(logits, strength) {
        const { temperature, log_shares } = this.card
        return Array.from(logits, (logit, n) => logit / temperature - strength * log_shares[n])
    }
}

function softmax(scores) {
    const highest = Math.max(...scores)
    const powers = scores.map(score => Math.exp(score - highest))
    const sum = powers.reduce((total, power) => total + power)
    return powers.map(power => power / sum)
}
