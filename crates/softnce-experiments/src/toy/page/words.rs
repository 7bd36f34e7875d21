//! The texts of the page: each figure with the theory that predicts it.

use softnce_report::number::{count, fixed, plural};

use crate::toy::results::ToyResults;
use crate::toy::trial::Setting;

pub(super) const SOURCE: &str = "Our own design. The theory: ranking noise contrastive estimation (Ma and Collins, arXiv \
    1809.01812) with the log ratio of two continuous categorical densities as its critic (Hugger and Uhlmann, arXiv \
    2404.14076; the density: Gordon-Rodriguez, Loaiza-Ganem and Cunningham, arXiv 2002.08563).";

pub(super) const CURVES: &str = "Theory says what each loss is after at every x. Soft target InfoNCE with noise from a \
    density of the family is consistent: its logits are the natural parameter, up to a constant. With the targets of the \
    batch for noise, as it is used in training, the noise is a mixture over all x and no member of the family: the logits \
    tilt that mixture until its mean is that of the targets at x: nearer the parameter than the mean is, not equal to it. \
    Cross-entropy takes a target for a mean of classes: its logits are the logarithm of the mean target. Soft distribution \
    InfoNCE draws a class from each target and ends at the same place with more variance. The hard losses keep the largest \
    class of each target: their logits are the logarithm of its probability, with two classes exactly half the parameter.";

pub(super) const THREE: &str = "The same with three classes, where no curve has a simple form; all the predictions are \
    computed from divided differences of the exponential function.";

pub(super) const SAMPLES: &str = "A consistent estimator comes to the truth as samples come in; the others come to what \
    they are after, and stay there. The second panel shows each on the way to its own prediction. What is left at the end \
    is the error of the optimiser, the same number of steps at the same rate for all.";

pub(super) const CANDIDATES: &str = "With noise from the density, any number of candidates from 2 has the truth for its end \
    point, and more of them only lower the variance. With noise from the targets the logits cannot be the log ratio of the \
    densities, and the end point depends on the number: that of two candidates is nearer the truth here than that of many. \
    The second panel shows the distance to the end point where it was computed: two candidates, or 100 and more.";

pub(super) const NOISE: &str = "The noise is drawn with e² times as much weight on the first class. Told so, the loss \
    subtracts the logarithm of the noise distribution from its scores and finds the truth. Not told, it takes the noise for \
    uniform, and theory says that its curve is too low by exactly 2, everywhere.";

pub(super) const CURVE_CAPTION: &str = "Coloured: mean over the seeds, with the range of the seeds as a band. Thin grey: what \
    theory predicts for data without limit. Dotted: the true parameter.";

pub(super) const INTERVALS: &str = "Root mean square distance of the estimated parameter over x, mean over the seeds with its 95 % \
    interval.";

pub(super) const BOUND_CAPTION: &str = "Mean over the seeds with its 95 % interval. Grey: the mutual information.";

/// What was done, in a sentence or two.
pub(super) fn lead(results: &ToyResults) -> String {
    let config = &results.config;
    format!(
        "Inputs x on a line; soft targets drawn exactly from a continuous categorical distribution whose natural parameter \
         is a known function of x. The same small network is trained under each loss, from {}, for {} steps on {} samples \
         where nothing else is said, and its logits are compared with the parameter.",
        plural(config.seeds as usize, "seed", "seeds"),
        count(config.training.steps),
        count(config.usual_samples()),
    )
}

/// The trainings that diverged; `None` if there are none.
pub(super) fn diverged(results: &ToyResults) -> Option<String> {
    let each = results.diverged.iter().map(|(setting, run)| {
        let Setting { classes, estimator, samples, candidates } = setting;
        let title = estimator.title();
        let reason = run.diverged.as_deref().unwrap_or_default();
        format!("{title}, {classes} classes, {} samples, {} candidates, {reason}", count(*samples), count(*candidates))
    });
    let each: Vec<String> = each.collect();
    let number = plural(each.len(), "training", "trainings");
    (!each.is_empty()).then(|| {
        format!("Diverged and left out, so that the figures flatter these losses: {number}. {}.", each.join("; "))
    })
}

pub(super) fn bounds(results: &ToyResults) -> String {
    format!(
        "With other targets as candidates, ln M − L is a lower bound of the mutual information of input and target \
         (van den Oord, Li and Vinyals, arXiv 1807.03748), which is {} nats here. It cannot be above ln M, and it comes \
         close only where the logits are the log ratio of the densities: a critic linear in the target cannot be, for \
         the noise is a mixture.",
        fixed(results.information, 4)
    )
}

pub(super) fn setting(results: &ToyResults) -> String {
    let training = &results.config.training;
    let hidden: Vec<String> = training.hidden.iter().map(usize::to_string).collect();
    format!(
        "Network: 1-{}-d with ReLU. AdamW, learning rate {} with a warm-up of a twentieth of the steps and half a cosine, \
         weight decay {}, {} rows a batch.",
        hidden.join("-"),
        training.rate,
        training.weight_decay,
        count(training.batch),
    )
}
