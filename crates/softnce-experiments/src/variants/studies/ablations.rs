//! What each part of the loss's setting does.

use crate::measure::Measure;
use crate::variants::plan::{ChartPlan, Group, Variant};
use crate::variants::study::Study;

const CROSS_ENTROPY: &str = "loss.kind=\"soft-target-cross-entropy\"";

pub(super) const STUDY: Study = Study {
    name: "ablations",
    title: "Ablations",
    about: "Candidates, temperature, smoothing, mixing and noise power, on optdigits",
    seeds: 10,
    small: true,
    groups: || vec![candidates(), temperature(), smoothing(), mixing(), noise()],
};

fn group(name: &str, title: &str, theory: &str, variants: Vec<Variant>, measures: &[Measure]) -> Group {
    Group {
        name: name.to_owned(),
        title: title.to_owned(),
        theory: theory.to_owned(),
        recipe: "digits".to_owned(),
        changes: Vec::new(),
        variants,
        measures: measures.to_vec(),
        chart: None,
    }
}

fn candidates() -> Group {
    const BATCH: &str = "the batch alone";
    let mut variants = vec![Variant::new(BATCH, [""; 0]).level()];
    for more in [64_usize, 128, 384, 896, 3968] {
        let changes = [format!("candidates={{kind=\"queue\", size={more}}}")];
        let variant = Variant::new(format!("queue of {more}"), changes);
        variants.push(variant.against(BATCH).at("past targets", (128 + more) as f64));
    }
    for more in [64_usize, 128, 384, 896, 3968] {
        let changes = [format!("candidates={{kind=\"draws\", count={more}}}")];
        let variant = Variant::new(format!("{more} draws"), changes);
        variants.push(variant.against(BATCH).at("free draws", (128 + more) as f64));
    }
    variants.push(Variant::new("cross-entropy", [CROSS_ENTROPY]).against(BATCH).level());
    let theory = "The candidates of a batch are its own targets. A queue adds the targets of past batches, draws add targets from \
        the distribution of the training targets; neither needs a picture. Both are noise of the same kind: with more candidates \
        the optimum approaches that of many candidates, the variance falls, and the bound log M rises. The study measures what \
        this is worth.";
    let measures = [Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::FittedTemperature];
    Group {
        chart: Some(ChartPlan { axis: "candidates".into(), log: true, measure: Measure::TOP1 }),
        ..group("candidates", "How many candidates, and from where", theory, variants, &measures)
    }
}

fn temperature() -> Group {
    const ONE: &str = "temperature 1";
    let mut variants = Vec::new();
    for value in [0.25, 0.5, 1.0, 2.0, 4.0] {
        let changes = [format!("loss.temperature={value:?}")];
        let variant = Variant::new(format!("temperature {value}"), changes);
        let variant = variant.at("fixed", value);
        variants.push(if value == 1.0 { variant } else { variant.against(ONE) });
    }
    variants.push(Variant::new("learned from 1", ["loss.learn_temperature=true"]).against(ONE).level());
    let theory = "The last layer of the network is linear, and its weights can absorb any temperature: except for weight decay, \
        the optimum is the same with other weights. A temperature changes where training starts and how large the gradients are, \
        and so which learning rate is best. The posterior is computed at the same temperature.";
    let measures = [Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::FittedTemperature];
    Group {
        chart: Some(ChartPlan { axis: "temperature".into(), log: true, measure: Measure::TOP1 }),
        ..group("temperature", "Temperature", theory, variants, &measures)
    }
}

fn smoothing() -> Group {
    let mut variants = Vec::new();
    for (share, words) in [(0.1, "0.1"), (0.2, "0.2"), (0.5, "0.5")] {
        let smoothed = format!("smoothing {words}");
        let changes = [format!("mixing.smoothing={share:?}")];
        variants.push(Variant::new(&smoothed, changes));
        // z_y (1 - s) / 1 = z_y / (1 / (1 - s)).
        let changes = ["mixing.smoothing=0.0".to_owned(), format!("loss.temperature={:?}", 1.0 / (1.0 - share))];
        let twin = Variant::new(format!("temperature 1 / (1 - {words})"), changes);
        variants.push(twin.against(&smoothed));
    }
    const NONE: &str = "cross-entropy, smoothing 0";
    variants.push(Variant::new(NONE, [CROSS_ENTROPY, "mixing.smoothing=0.0"]));
    for (share, words) in [(0.1, "0.1"), (0.5, "0.5")] {
        let changes = [CROSS_ENTROPY.to_owned(), format!("mixing.smoothing={share:?}")];
        let name = format!("cross-entropy, smoothing {words}");
        variants.push(Variant::new(name, changes).against(NONE));
    }
    let theory = "The share s that smoothing spreads over all classes adds the same number to the score of every candidate, and the \
        softmax over the candidates cancels it. What remains is the score times 1 - s, as with a temperature of 1 / (1 - s). With \
        uniform noise, smoothing and this temperature are therefore the same training: from the same seed they differ only by \
        rounding. Only the temperature of the posterior differs, which temperature scaling corrects. In cross-entropy, smoothing \
        is not a temperature.";
    let measures = [Measure::TOP1, Measure::SCALED_NLL, Measure::SCALED_ECE, Measure::NLL];
    // Another noise distribution would be taken to the power 1 - s along with the scores.
    Group {
        changes: vec!["loss.noise=\"uniform\"".into()],
        ..group("smoothing", "Smoothing is a temperature", theory, variants, &measures)
    }
}

fn mixing() -> Group {
    const ELEMENT: &str = "a weight for each picture";
    let batch = "mixing.mode=\"batch\"";
    let flip = "mixing.partner=\"flip\"";
    // Fewer pictures meet their own class there.
    const FOUR: &str = "batches of 4, a weight for each picture";
    let small = ["training.batch_size=4", "schedule.epochs=40", "optimizer.learning_rate=1e-3"];
    let variants = vec![
        Variant::new(ELEMENT, [""; 0]),
        Variant::new("a weight for each pair", ["mixing.mode=\"pair\""]).against(ELEMENT),
        Variant::new("one weight a batch, shuffled", [batch]).against(ELEMENT),
        Variant::new("one weight a batch, flipped", [batch, flip]).against(ELEMENT),
        Variant::new("one weight a batch, 896 draws", [batch, "candidates={kind=\"draws\", count=896}"])
            .against(ELEMENT),
        Variant::new(FOUR, small),
        Variant::new("batches of 4, one weight a batch", small.into_iter().chain([batch])).against(FOUR),
        Variant::new("no mixing", ["mixing.mixup=0.0", "mixing.cutmix=0.0"]).against(ELEMENT),
        Variant::new("cross-entropy, a weight for each picture", [CROSS_ENTROPY]),
        Variant::new("cross-entropy, one weight a batch", [CROSS_ENTROPY, batch])
            .against("cross-entropy, a weight for each picture"),
    ];
    let theory = "Suppose that the whole batch has one mixing weight, and that its own targets are the only candidates. The own target \
        of a picture with two classes then has the largest score as soon as these two classes have the largest logits, in the \
        order of their shares, unless a picture of the batch is mixed with one of its own class. If this holds for all pictures, \
        larger logits always lower the loss, and there is no finite optimum. The smaller the batch, the fewer pictures are mixed \
        with their own class. The fitted temperature shows how far the logits have grown; they grow slowly, as on any separable \
        problem. With a weight for each picture, or with candidates from elsewhere, other candidates can have a larger score than \
        the own target.";
    let measures = [Measure::TOP1, Measure::NLL, Measure::SCALED_NLL, Measure::ECE, Measure::FittedTemperature];
    group("mixing", "One mixing weight a batch", theory, variants, &measures)
}

fn noise() -> Group {
    const FREQUENCIES: &str = "alpha 1";
    let mut variants = Vec::new();
    for value in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let changes = [format!("loss.alpha={value:?}")];
        let variant = Variant::new(format!("alpha {value}"), changes);
        let variant = variant.at("soft target InfoNCE", value);
        variants.push(if value == 1.0 { variant } else { variant.against(FREQUENCIES) });
    }
    variants.push(Variant::new("cross-entropy", [CROSS_ENTROPY]).against(FREQUENCIES).level());
    variants.push(
        Variant::new("balanced softmax", [CROSS_ENTROPY, "loss.logit_adjustment=1.0"]).against(FREQUENCIES).level(),
    );
    let theory = "The noise distribution is the class frequencies of the training set to the power alpha. At 1 the loss subtracts the \
        logarithm of these frequencies from the scores of the candidates, and the posterior follows the frequencies, as with \
        cross-entropy. At 0 it subtracts nothing, and the posterior is that of balanced classes. Without mixing and smoothing, \
        this is exact except that the class frequencies of a batch are not quite those of the training set.";
    let measures = [Measure::BALANCED, Measure::BalancedAdjusted, Measure::TOP1, Measure::NLL, Measure::SCALED_NLL];
    Group {
        changes: ["data.imbalance=10.0", "mixing.mixup=0.0", "mixing.cutmix=0.0", "mixing.smoothing=0.0"]
            .map(str::to_owned)
            .to_vec(),
        chart: Some(ChartPlan { axis: "alpha".into(), log: false, measure: Measure::BALANCED }),
        ..group("noise", "The power of the noise", theory, variants, &measures)
    }
}
