#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn what_is_not_in_the_text_is_not_known() {
    for text in ["", "name = \"a\"", "no recipe", "[evaluation]\nbest = \"soon\""] {
        let protocol = Protocol::read(text);
        assert_eq!((protocol.tested_epoch(), protocol.has_validation()), (None, None), "{text}");
        assert_eq!(protocol.drawn_by_the_seed(), ["the initial weights", "the order of the pictures"]);
        assert!(protocol.changes_of_training_pictures().is_empty() && protocol.mixing_in_words().is_none());
        assert!(LossKind::ALL.iter().all(|&loss| protocol.left_out_of(loss).is_empty()));
    }
}

#[test]
fn the_tested_epoch_is_that_of_the_recipe() {
    let words = |text: &str| Protocol::read(text).tested_in_words().unwrap();
    assert!(words("[evaluation]\nbest = true").ends_with("the epoch that had the best validation accuracy"));
    assert_eq!(words("[evaluation]\nbest = false"), "with the weights of the last epoch");
    let stopped = "[evaluation]\nbest = false\n[training]\npatience = 1";
    assert!(words(stopped).ends_with("before the training stopped"));
    let averaged = "[optimizer]\naverage = 0.99\n[evaluation]\nbest = false";
    assert_eq!(words(averaged), "with the averaged weights of the last epoch");
    assert_eq!(
        Protocol::read(stopped).early_stop().as_deref(),
        Some("stopping after 1 validation without improvement")
    );
}

#[test]
fn seeds_draw_what_the_recipe_leaves_to_chance() {
    let drawn = |text: &str| Protocol::read(text).drawn_by_the_seed();
    assert_eq!(drawn("[augmentation.train]\nflip = 0.0\ninterpolation = \"bicubic\"").len(), 2);
    assert_eq!(drawn("[augmentation.train]\nflip = 0.5")[2], "the augmentation");
    assert_eq!(drawn("[augmentation.train.random_crop]\npadding = 2")[2], "the augmentation");
    assert_eq!(drawn("[mixing]\nmixup = 0.8")[2], "the mixing");
    assert_eq!(drawn("[mixing]\nmixup = 0.8\nprobability = 0.0\nsmoothing = 0.1").len(), 2);
    assert_eq!(drawn("[candidates]\nkind = \"draws\"\ncount = 10")[2], "the candidates");
    assert_eq!(drawn("[weights]\npath = \"a\"")[0], "the initial weights of the output layer");
    assert_eq!(drawn("[weights]\npath = \"a\"\nhead = true")[0], "the order of the pictures");
}

#[test]
fn what_a_loss_trains_without_is_what_it_cannot_use() {
    let all = "[data.train_labels]\nkind = \"csv\"\n[mixing]\ncutmix = 1.0\nsmoothing = 0.1\n[loss]\nlogit_adjustment = \
               1.0\n[candidates]\nkind = \"queue\"\nsize = 10";
    let left_out = |text: &str, loss| Protocol::read(text).left_out_of(loss);
    let hard = ["mixing", "label smoothing", "the label distributions of the training pictures"];
    assert_eq!(left_out(all, LossKind::InfoNce), [&hard[..], &["logit adjustment"]].concat());
    assert_eq!(left_out(all, LossKind::Nll), [&hard[..], &["candidates beyond the batch"]].concat());
    assert_eq!(left_out(all, LossKind::SoftTargetInfoNce), ["logit adjustment"]);
    assert_eq!(left_out(all, LossKind::SoftTargetCrossEntropy), ["candidates beyond the batch"]);
    assert!(left_out("[mixing]\nsmoothing = 0.0", LossKind::Nll).is_empty());
}

#[test]
fn parts_and_mixing_are_in_words() {
    let share = Protocol::read("[data]\ntest_share = 0.29\ntrain_part = \"test\"\nvalidation_share = 0.0");
    assert_eq!(share.test_origin().as_deref(), Some("29 % of each class of the publisher's test part"));
    assert_eq!(share.has_validation(), Some(false));
    let mixed = Protocol::read("[mixing]\nmixup = 0.8\ncutmix = 1.0\nsmoothing = 0.1");
    assert_eq!(mixed.mixing_in_words().as_deref(), Some("MixUp 0.8, CutMix 1 and label smoothing 0.1"));
}
