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
    let theory = "A batch of 128 pictures has 128 candidates, its own targets. Past targets and free draws from the \
        distribution of the training targets add more, which need no picture. They are noise of the same kind: the end point moves \
        to that of many candidates, the variance falls, and the bound log M rises. How much that is worth is what is measured.";
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
    let theory = "The network ends in a linear layer, whose weights can take any temperature in: but for weight decay the optimum \
        is the same with other weights. What a temperature changes is where training starts and how large its gradients are, and \
        so which learning rate fits; the posterior is taken at the same temperature.";
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
    let theory = "The share s that smoothing spreads over all classes adds the same number to every candidate's score, and the \
        softmax over candidates cancels it: what stays is the score times 1 - s, a temperature of 1 / (1 - s). So smoothing and \
        that temperature are, under uniform noise, the same training, from the same seed the same but for rounding; only the posterior is taken at \
        another temperature, which temperature scaling undoes. Under cross-entropy smoothing is no such thing.";
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
    let theory = "With one weight for the whole batch, and its own targets as the only candidates, the own target of a \
        picture with two classes has the largest score as soon as these lead in the order of their shares, unless a picture of the \
        batch meets its own class. Where that holds for all pictures, larger logits always lower the loss, and there is no finite \
        optimum. In a batch of 128 digits nearly all meet their own class, in one of 4 fewer do; the fitted temperature shows \
        how far the logits have grown, which is as slow as on any separable problem. With a weight for each picture, or with candidates from elsewhere, own targets \
        have rivals.";
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
    let theory = "The rarest digit has a tenth of the pictures of the most frequent; nothing is mixed, so that theory is exact \
        but for the batch's frequencies, which are not quite those of the training set. The noise distribution is the class \
        frequencies to the power alpha: at 1 it divides the frequencies out of what the candidates teach, so that the posterior \
        follows them as cross-entropy's does; at 0 nothing is divided out, and the posterior is that of balanced classes.";
    let measures = [Measure::BALANCED, Measure::BalancedAdjusted, Measure::TOP1, Measure::NLL, Measure::SCALED_NLL];
    Group {
        changes: ["data.imbalance=10.0", "mixing.mixup=0.0", "mixing.cutmix=0.0", "mixing.smoothing=0.0"]
            .map(str::to_owned)
            .to_vec(),
        chart: Some(ChartPlan { axis: "alpha".into(), log: false, measure: Measure::BALANCED }),
        ..group("noise", "The power of the noise", theory, variants, &measures)
    }
}
