use proptest::prelude::*;

use super::*;

fn model(trigrams: &[[u32; 3]], words: usize, discounts: Option<[f64; 3]>) -> Trigram {
    let counts = Counts::of(trigrams.iter().copied(), words).unwrap();
    let discounts = discounts.unwrap_or_else(|| counts.all().map(discount));
    Trigram { counts, discounts }
}

/// c3: 0 1 2 twice, 0 1 3, 4 1 2, 4 1 5 once. c2: 1 2 twice, 1 3 and 1 5 once. c1: 2, 3 and 5 once.
const EVENTS: [[u32; 3]; 5] = [[0, 1, 2], [4, 1, 5], [0, 1, 3], [0, 1, 2], [4, 1, 2]];

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-14, "{found}, expected {expected}");
}

#[test]
fn probabilities_worked_out_by_hand() {
    let model = model(&EVENTS, 6, None);
    // Counts of 1 and 2: three and one at the top, two and one in the middle, three and none at the bottom.
    assert_eq!(model.discounts, [0.5, 2.0 / 4.0, 3.0 / 5.0]);
    let probability = |context: &[u32], word| model.probability(context, word, false).unwrap();
    // p1(2) = 0.5 / 3 + 0.5 * 3 / 3 / 6; words 0, 1, 4 have the second term alone.
    close(probability(&[], 2), 0.25);
    close(probability(&[], 0), 1.0 / 12.0);
    // p2(2 | 1) = 1.5 / 4 + 0.5 * 3 / 4 * p1(2)
    close(probability(&[1], 2), 0.46875);
    close(probability(&[1], 3), 0.21875);
    close(probability(&[1], 0), 0.03125);
    // p3(2 | 0 1) = 1.4 / 3 + 0.6 * 2 / 3 * p2(2 | 1)
    close(probability(&[0, 1], 2), 1.4 / 3.0 + 0.4 * 0.46875);
    close(probability(&[5, 5, 0, 1], 3), 0.4 / 3.0 + 0.4 * 0.21875);
    // Contexts that were not seen.
    close(probability(&[5, 1], 2), 0.46875);
    close(probability(&[1, 5], 2), 0.25);
}

#[test]
fn leaving_one_out_worked_out_by_hand() {
    let model = model(&EVENTS, 6, None);
    let left_out = |context: &[u32], word| model.probability(context, word, true).unwrap();
    // One of two occurrences: p3 = (1 - 0.6) / 2 + 0.6 * 2 / 2 * p2.
    close(left_out(&[0, 1], 2), 0.2 + 0.6 * 0.46875);
    // The only occurrence of 0 1 3, 1 3 and 3: p1 = 0.5 * 2 / 2 / 6, p2 = 0.5 * 2 / 3 * p1, p3 = 0.6 * 1 / 2 * p2.
    close(left_out(&[0, 1], 3), 1.0 / 120.0);
    // The only occurrence of 4 1 2, but not of 1 2: c2(1 2) = 1, c2(1 .) = 3; p3 = 0.6 * 1 / 1 * p2.
    close(left_out(&[4, 1], 2), 0.6 * (0.5 / 3.0 + 0.5 * 3.0 / 3.0 * 0.25));
    // After one word nothing was counted.
    close(left_out(&[1], 2), 0.46875);
    let message = model.probability(&[0, 1], 5, true).unwrap_err().to_string();
    assert_eq!(message, "trigram to be left out is 0 1 5, expected one of the training text");
    assert_eq!(model.probability(&[0, 6], 5, false).unwrap_err().to_string(), "word is 6, expected a word below 6");
    assert!(model.probability(&[0, 1], 6, false).is_err());
}

#[test]
fn the_last_place_of_a_context_leaves_all_to_the_next_level() {
    let model = model(&[[0, 1, 2]], 3, None);
    close(model.probability(&[0, 1], 2, true).unwrap(), 1.0 / 3.0);
}

#[test]
fn estimates_on_the_training_blocks_of_a_corpus() {
    use crate::data::text::corpus::tests::{corpus, whole};
    // Words: <unk> b a c d.
    let read = corpus(&["a b c a b c", "d b c"], &whole()).unwrap();
    assert_eq!(read.vocabulary(), ["<unk>", "b", "c", "a", "d"]);
    let model = Trigram::estimate(&read).unwrap();
    // c3: 3 1 2 twice, 1 2 3, 2 3 1, 4 1 2 once. No trigram goes from one file to the next.
    assert_eq!(model.counts.all()[2], [1, 1, 2, 1]);
    let message = Trigram::estimate(&corpus(&["a b", "c d"], &whole()).unwrap()).unwrap_err().to_string();
    assert!(message.starts_with("training part is 0, expected from 1 to 4294967295 places"), "{message}");
}

/// All words by probability, without shortcuts.
fn sorted(model: &Trigram, context: &[u32], left_out: Option<u32>) -> Vec<(u32, f64)> {
    let levels = model.levels(context, left_out).unwrap();
    let mut all: Vec<_> = (0..model.words() as u32).map(|word| (word, levels.probability(word))).collect();
    all.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
    all
}

proptest! {
    #[test]
    fn leaving_one_out_is_estimating_without_it(
        events in prop::collection::vec([0_u32..4, 0_u32..4, 0_u32..5], 2..60),
        place in any::<prop::sample::Index>(),
    ) {
        let full = model(&events, 5, None);
        let place = place.index(events.len());
        let [u, v, word] = events[place];
        let mut fewer = events.clone();
        fewer.remove(place);
        let without = model(&fewer, 5, Some(full.discounts));
        let levels = full.levels(&[u, v], Some(word)).unwrap();
        let mut sum = 0.0;
        for other in 0..5 {
            let expected = without.probability(&[u, v], other, false).unwrap();
            prop_assert!((levels.probability(other) - expected).abs() < 1e-12);
            sum += expected;
        }
        prop_assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_most_probable_words_are_those_of_all(
        events in prop::collection::vec([0_u32..3, 0_u32..3, 0_u32..1000], 1..1500),
        count in 1_usize..40,
    ) {
        // Squares make some words far more frequent than others.
        let events: Vec<[u32; 3]> = events.into_iter().map(|[u, v, w]| [u, v, w * w / 1000]).collect();
        let model = model(&events, 1100, None);
        for context in [&[0, 1][..], &[2, 2], &[1], &[], &[900, 901], &[900, 1]] {
            let found = model.most_probable(context, None, count).unwrap();
            prop_assert_eq!(found, &sorted(&model, context, None)[..count]);
        }
        let [u, v, word] = events[0];
        let found = model.most_probable(&[u, v], Some(word), count).unwrap();
        prop_assert_eq!(found, &sorted(&model, &[u, v], Some(word))[..count]);
    }
}
