//! The texts of the page: each figure with the theory that predicts it.

use softnce_report::number::{self, count, fixed, plural};

use crate::diverged::left_out;
use crate::toy::results::ToyResults;
use crate::toy::trial::Setting;

pub(super) const SOURCE: &str = "Our own design. The theory: ranking noise contrastive estimation (Ma and Collins, arXiv \
    1809.01812) with the log ratio of two continuous categorical densities as its critic (Hugger and Uhlmann, arXiv \
    2404.14076; the density: Gordon-Rodriguez, Loaiza-Ganem and Cunningham, arXiv 2002.08563).";

pub(super) const CURVES: &str = "For each loss, theory gives the function of x that it estimates. Soft target InfoNCE with \
    noise from a density of the family is consistent: its logits are the natural parameter, up to a constant. With the \
    targets of the batch as noise, as in ordinary training, the noise is a mixture over all x and not a density of the \
    family. The logits then tilt this mixture until its mean is the mean target at x; they are closer to the natural parameter \
    than the mean target is, but not equal to it. Cross-entropy estimates the mean target: its logits are the logarithm of the \
    mean target. Soft distribution InfoNCE draws a class from each target and converges to the same function with more \
    variance. The hard losses use only the largest class of each target: their logits are the logarithm of the probability of \
    that class, which with two classes is exactly half the parameter.";

pub(super) const THREE: &str = "The same with three classes. Here no curve has a simple formula: all predictions are computed \
    with divided differences of the exponential function.";

pub(super) const SAMPLES: &str = "A consistent estimator converges to the truth with more samples. The other losses converge to \
    the functions that they estimate. The second panel shows the distance to that function. All losses are trained with the same \
    number of steps and the same learning rate; the distance that remains is the error of the optimiser.";

pub(super) const CANDIDATES: &str = "With noise from the density, the limit is the truth for any number of candidates from 2, and \
    more candidates only lower the variance. With noise from the targets, the logits cannot be the log ratio of the densities, \
    and the limit depends on the number of candidates: here the limit with two candidates is closer to the truth than that with \
    many. The second panel shows the distance to the limit where it was computed: for two candidates, and for 100 or more.";

pub(super) const NOISE: &str = "The noise is drawn with e² times as much weight on the first class. Corrected: the loss knows this \
    noise distribution, subtracts its logarithm from the scores, and finds the truth. Not corrected: the loss assumes uniform \
    noise; by theory its curve is then too low by exactly 2 everywhere.";

pub(super) const BOUND_CAPTION: &str = "Mean over the seeds, with its 95 % interval where there are several. Grey: the mutual \
    information.";

/// What the curves of a panel are.
pub(super) fn curve_caption(results: &ToyResults) -> String {
    let found = match results.config.seeds {
        1 => "Coloured: the estimate, from one seed.",
        _ => "Coloured: mean estimate over the seeds, with the range of the seeds as a band.",
    };
    format!("{found} Thin grey: what theory predicts for unlimited data. Dotted: the true parameter.")
}

/// What a distance is.
pub(super) fn intervals(results: &ToyResults) -> String {
    let over = match results.config.seeds {
        1 => "from one seed",
        _ => "mean over the seeds with its 95 % interval",
    };
    format!("Root mean square distance over x between two curves of the parameter, {over}.")
}

/// What was done, in a sentence or two.
pub(super) fn lead(results: &ToyResults) -> String {
    let config = &results.config;
    format!(
        "The input x is one number. The soft targets are drawn exactly from a continuous categorical distribution whose \
         natural parameter is a known function of x. The same small network is trained with each loss, from {}, for {} steps, \
         on {} samples unless stated otherwise. Its logits are compared with the parameter.",
        plural(config.seeds as usize, "seed", "seeds"),
        count(config.training.steps),
        count(config.usual_samples()),
    )
}

/// The trainings that diverged; `None` if there are none.
pub(super) fn diverged(results: &ToyResults) -> Option<String> {
    let each = results.diverged.iter().map(|(setting, run)| {
        let Setting { classes, estimator, samples, candidates } = setting;
        let reason = run.diverged.as_deref().unwrap_or_default();
        let candidates = match estimator.loss.is_contrastive() {
            true => format!(", {} candidates", count(*candidates)),
            false => String::new(),
        };
        format!("{}, {classes} classes, {} samples{candidates}, {reason}", estimator.title(), count(*samples))
    });
    left_out(&each.collect::<Vec<_>>())
}

pub(super) fn bounds(results: &ToyResults) -> String {
    format!(
        "With other targets as candidates, ln M − L is a lower bound of the mutual information of input and target \
         (van den Oord, Li and Vinyals, arXiv 1807.03748), which is {} nats here; M is the number of candidates and L the mean \
         loss on new inputs. The bound cannot exceed ln M. It is tight only if the logits are the log ratio of the densities, \
         which is impossible for a critic that is linear in the target, because the noise is a mixture.",
        fixed(results.information, 4)
    )
}

pub(super) fn setting(results: &ToyResults) -> String {
    let training = &results.config.training;
    let hidden: Vec<String> = training.hidden.iter().map(usize::to_string).collect();
    format!(
        "Network: 1-{}-d with ReLU. AdamW, learning rate {} with a warm-up over a twentieth of the steps and a cosine \
         schedule, weight decay {}, batches of {}.",
        hidden.join("-"),
        number::setting(training.rate),
        number::setting(training.weight_decay),
        count(training.batch),
    )
}
