//! Values out of their ranges.

use super::{CandidateSection, ClassesRecipe, EncoderSection, NoiseKind};
use crate::ClassesError;

impl ClassesRecipe {
    /// Refuses the first value out of its range.
    ///
    /// # Errors
    /// Its name, its value, and what was expected.
    pub fn check(&self) -> Result<(), ClassesError> {
        self.optimizer.rule.check()?;
        let positive = |name, value: f64| match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(ClassesError::setting(name, value, "a finite number above 0")),
        };
        positive("optimizer.learning_rate", self.optimizer.learning_rate)?;
        positive("loss.temperature", self.loss.temperature)?;
        positive("training.checkpoint_seconds", self.training.checkpoint_seconds)?;
        for (name, value) in [
            ("training.batch_size", self.training.batch_size as u64),
            ("schedule.steps", self.schedule.steps),
            ("evaluation.every", self.evaluation.every),
            ("evaluation.rows", self.evaluation.rows as u64),
            ("training.changed_mib", self.training.changed_mib as u64),
        ] {
            if value == 0 {
                return Err(ClassesError::setting(name, value, "at least 1"));
            }
        }
        if self.schedule.steps > u64::from(u32::MAX) {
            return Err(ClassesError::setting("schedule.steps", self.schedule.steps, format!("at most {}", u32::MAX)));
        }
        if self.schedule.warmup_steps > self.schedule.steps {
            let expected = format!("at most schedule.steps, {}", self.schedule.steps);
            return Err(ClassesError::setting("schedule.warmup_steps", self.schedule.warmup_steps, expected));
        }
        if self.evaluation.k.is_empty() || self.evaluation.k.contains(&0) {
            return Err(ClassesError::setting("evaluation.k", format!("{:?}", self.evaluation.k), "numbers from 1"));
        }
        if !self.loss.alpha.is_finite() {
            return Err(ClassesError::setting("loss.alpha", self.loss.alpha, "a finite number"));
        }
        if self.loss.noise == NoiseKind::Estimated && self.loss.alpha != 1.0 {
            let expected = "1 with loss.noise = \"estimated\", which takes no power";
            return Err(ClassesError::setting("loss.alpha", self.loss.alpha, expected));
        }
        let stds = [("head.init_std", self.head.init_std)].into_iter().chain(match self.encoder {
            EncoderSection::Bag { init_std, .. } => Some(("encoder.init_std", init_std)),
            EncoderSection::None => None,
        });
        for (name, std) in stds {
            if !(std >= 0.0 && std.is_finite()) {
                return Err(ClassesError::setting(name, std, "a finite number not below 0"));
            }
        }
        if self.head.normalise && self.head.init_std == 0.0 {
            return Err(ClassesError::setting(
                "head.init_std",
                0,
                "above 0 with head.normalise: rows of zeros have no direction",
            ));
        }
        if self.head.normalise && self.head.bias {
            return Err(ClassesError::setting("head.bias", true, "false with head.normalise"));
        }
        if let EncoderSection::Bag { width: 0, .. } = self.encoder {
            return Err(ClassesError::setting("encoder.width", 0, "at least 1"));
        }
        match self.candidates {
            CandidateSection::Queue { size } if !(1..=65_536).contains(&size) => {
                Err(ClassesError::setting("candidates.size", size, "1 to 65,536"))
            }
            CandidateSection::Classes { count: Some(count), .. } if !(1..=1 << 24).contains(&count) => {
                Err(ClassesError::setting("candidates.count", count, "1 to 16,777,216"))
            }
            CandidateSection::Classes { .. } if self.loss.noise == NoiseKind::Estimated => {
                let expected = "frequencies or uniform with classes as candidates, which are drawn from it";
                Err(ClassesError::setting("loss.noise", "estimated", expected))
            }
            _ => Ok(()),
        }
    }
}
