#![allow(clippy::unwrap_used)]

use std::path::Path;

use softnce::LossKind;

use super::*;

fn built_in(name: &str, changes: &[&str]) -> Result<Recipe, RecipeError> {
    Recipe::read(name, &changes.iter().map(|change| (*change).to_owned()).collect::<Vec<_>>())
}

#[test]
fn every_recipe_is_read_and_survives_being_written() {
    for (name, _) in BUILT_IN {
        let recipe = built_in(name, &[]).unwrap();
        assert_eq!(recipe.name, name);
        let again = Recipe::parse(Path::new(name), &recipe.to_toml().unwrap(), &[]).unwrap();
        assert_eq!(again, recipe, "{name}");
    }
}

#[test]
fn every_key_is_written_or_listed_as_not_set() {
    let recipe = built_in("digits", &["network={kind=\"resnet\", depth=8}"]).unwrap();
    assert!(recipe.to_toml().unwrap().contains("\nlogit_adjustment = 0.0\n"));
    let unset = recipe.unset_keys().unwrap();
    for key in ["data.test_share", "weights", "training.patience", "optimizer.clip_norm", "network.width"] {
        assert!(unset.iter().any(|unset| unset == key), "{key} in {unset:?}");
    }
    for key in ["data.validation_share", "network.depth", "schedule.epochs", "name"] {
        assert!(!unset.iter().any(|unset| unset == key), "{key} in {unset:?}");
    }
}

#[test]
fn the_papers_settings() {
    for (name, rate) in [("cifar100", 5.5e-4), ("imagenet-mae-vit-b16", 5.5e-4), ("tiny-imagenet", 2.5e-4)] {
        let recipe = built_in(name, &[]).unwrap();
        let (optimizer, mixing) = (&recipe.optimizer, recipe.mixing.as_ref().unwrap());
        assert_eq!(recipe.samples_per_step(), 1024, "{name}");
        assert_eq!(optimizer.peak(1024), Some(4.0 * rate), "{name}");
        assert_eq!((optimizer.weight_decay, recipe.schedule.minimum_rate), (0.05, 1e-6), "{name}");
        assert_eq!((recipe.schedule.epochs, recipe.schedule.warmup_epochs), (100, 5.0), "{name}");
        assert_eq!((mixing.mixup, mixing.cutmix, mixing.probability, mixing.smoothing), (0.8, 1.0, 0.8, 0.1), "{name}");
        assert_eq!(optimizer.layer_decay, if name == "cifar100" { 1.0 } else { 0.65 }, "{name}");
    }
}

#[test]
fn changes_reach_their_place() {
    let recipe =
        built_in("digits", &["loss.kind=nll", "optimizer.learning_rate=0.5", "name=mine", "compare.seeds=2"]).unwrap();
    assert_eq!((recipe.loss.kind, recipe.optimizer.learning_rate), (LossKind::Nll, Some(0.5)));
    assert_eq!((recipe.name.as_str(), recipe.compare.seeds), ("mine", 2));
    assert!(recipe.mixing.is_some());
    // A loss on hard labels trains on pictures as they are.
    assert!(recipe.resolved().mixing.is_none());
    // A contrastive one has its noise distribution in the place of an adjustment.
    let adjusted = |kind: &str| built_in("digits", &["loss.logit_adjustment=0.5", kind]).unwrap().resolved();
    assert_eq!(adjusted("loss.kind=infonce").loss.logit_adjustment, 0.0);
    assert_eq!(adjusted("loss.kind=nll").loss.logit_adjustment, 0.5);
}

/// Every refusal names the change or the line, the key with its section, and what was probably meant.
#[test]
fn refusals_are_in_the_words_of_the_recipe() {
    for (change, expected) in [
        (
            "optimizer.learing_rate=1",
            "[optimizer] has no key learing_rate, only kind, learning_rate, base_learning_rate, \
          weight_decay, layer_decay, betas, epsilon, momentum, nesterov, clip_norm, average; did you mean learning_rate?",
        ),
        ("trainig.batch_size=1", "did you mean training?"),
        ("training.batchsize=1", "did you mean batch_size?"),
        ("training.batch=1", "did you mean batch_size?"),
        ("batch=1", "did you mean training.batch_size?"),
        ("batch-size=1", "did you mean training.batch_size?"),
        ("training.batch-size=1", "did you mean batch_size?"),
        ("learning-rate=1", "did you mean optimizer.learning_rate?"),
        (
            "network={kind=\"linear\", freeze=\"body\"}",
            "[network] has no key freeze with kind = \"linear\", which has no keys of its own",
        ),
        (
            "candidates={kind=\"batch\", size=9}",
            "[candidates] has no key size with kind = \"batch\", which has no keys of its own",
        ),
        ("evaluation.bs=1", "did you mean batch_size?"),
        ("wd=0.1", "did you mean optimizer.weight_decay?"),
        ("epoch=3", "did you mean schedule.epochs?"),
        // Several sections have such a key, and the schedule has only one form.
        ("schedule.kind=cosin", "[schedule] has no key kind, only epochs, warmup_epochs, minimum_rate"),
        ("schedule.scheduler=cosin", "[schedule] has no key scheduler, only epochs, warmup_epochs, minimum_rate"),
        ("network.deph=20", "did you mean depth?"),
        ("mixing.mix_up=1", "did you mean mixup?"),
        ("augmentation.train.randomcrop=1", "did you mean random_crop?"),
        ("optimizer.lr=0.1", "did you mean learning_rate?"),
        ("lr=0.1", "did you mean optimizer.learning_rate?"),
        ("optimizer.epochs=3", "did you mean schedule.epochs?"),
        ("epochs=3", "did you mean schedule.epochs?"),
        ("model=\"vit\"", "did you mean network?"),
        ("mixing.label_smoothing=0.1", "did you mean smoothing?"),
        ("loss.kind=infoNCE", "did you mean infonce?"),
        ("loss.kind=cross-entropy", "did you mean soft-target-cross-entropy?"),
        ("network.kind=resnett", "did you mean resnet?"),
        ("network.kind=resnet18", "did you mean resnet?"),
        ("network.kind=resnet-18", "did you mean resnet?"),
        ("optimizer.kind=adam w", "did you mean adamw?"),
        ("loss.noise=freq", "expected one of uniform, frequencies; did you mean frequencies?"),
        ("loss.noise=3", "loss.noise is 3, expected one of uniform, frequencies"),
        ("data.layout=folder", "did you mean image-folder?"),
        ("data.layout=cifar-10", "did you mean cifar10?"),
        ("mixing.mode=elem", "mixing.mode is \"elem\", expected one of batch, pair, element; did you mean element?"),
        ("augmentation.normalisation=imagnet", "did you mean imagenet?"),
        ("augmentation.normalisation=cifar-10", "did you mean cifar10?"),
        ("schedule.epochs=ten", "schedule.epochs is \"ten\", expected a whole number from 1 to 1000000"),
        ("schedule.epochs=-1", "schedule.epochs is -1, expected a whole number from 1 to 1000000"),
        ("schedule.epochs=1.5", "schedule.epochs is 1.5, expected a whole number from 1 to 1000000"),
        ("compare.seeds=-1", "compare.seeds is -1, expected a whole number from 1 to 1000"),
        ("training.workers=-1", "training.workers is -1, expected a whole number not below 0"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate is \"fast\", expected a number"),
        ("optimizer.betas=[0.9]", "optimizer.betas is [0.9], expected a list of 2 values"),
        ("optimizer.betas=[0.9, \"x\"]", "optimizer.betas[1] is \"x\", expected a number"),
        ("training.drop_last=1", "training.drop_last is 1, expected true or false"),
        ("data.path=3", "data.path is 3, expected text in quotes"),
        ("loss=nll", "loss is \"nll\", expected a section, or a table in braces; did you mean loss.kind?"),
        ("network=vit", "network is \"vit\", expected a section, or a table in braces; did you mean network.kind?"),
        ("weights=a.pth", "weights is \"a.pth\", expected a section, or a table in braces; did you mean weights.path?"),
        ("data.train_labels=a.csv", "expected a section, or a table in braces; did you mean data.train_labels.kind?"),
        ("candidates=3", "candidates is 3, expected a section, or a table in braces"),
        (
            "network.depth=deep",
            "network.depth is \"deep\", expected 18, or 6n + 2 from 8 to 2000; 34, 50, 101 and 152 need \
             form = \"imagenet\" or \"small\"",
        ),
        ("network={kind=\"resnet\"}", "[network] lacks the key depth"),
        ("compare.losses=nll", "compare.losses is \"nll\", expected a list in brackets"),
        (
            "compare.losses=[\"nll\", \"nl\"]",
            "compare.losses[1] is \"nl\", expected one of soft-target-infonce, \
          soft-target-cross-entropy, soft-distribution-infonce, infonce, nll, bce; did you mean nll?",
        ),
    ] {
        let error = built_in("fashion-mnist-resnet", &[change]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("--set {change}: ")) && error.ends_with(expected), "{change}: {error}");
        for word in ["usize", "f64", "Some(", "struct", "enum", "variant", "`"] {
            assert!(!error.contains(word), "{change}: {error}");
        }
    }
    let error = built_in("fashion-mnist-resnett", &[]).unwrap_err().to_string();
    assert!(error.ends_with("did you mean fashion-mnist-resnet?"), "{error}");
}

/// The document on recipes names every layout, kind of network and key of a network, in backticks.
#[test]
fn the_document_names_every_layout_and_network() {
    let document = include_str!("../../../../docs/recipes.md");
    for layout in softnce_data::sets::Layout::ALL {
        assert!(document.contains(&format!("`{layout}`")), "{layout}");
    }
    for kind in NetworkConfig::KINDS {
        assert!(document.contains(&format!("`kind = \"{}\"`", kind.name)), "{}", kind.name);
        // The error of an unknown key lists the known ones.
        let example = kind.example.replacen('{', "{\"no_such_key\": 1, ", 1);
        let error = serde_json::from_str::<NetworkConfig>(&example).unwrap_err().to_string();
        let keys = error.split("expected").nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        for key in keys {
            assert!(document.contains(&format!("`{key}`")), "{key} of {}", kind.name);
        }
    }
}

#[test]
fn refusals_name_the_line_of_the_file() {
    let (digits, origin) = (super::built_in("digits").unwrap(), Path::new("mine.toml"));
    let refused = |text: &str| Recipe::parse(origin, text, &[]).unwrap_err().to_string();
    let line = |text: &str, key: &str| 1 + text.lines().position(|line| line.starts_with(key)).unwrap();
    let wrong = digits.replace("epochs = ", "epoch = ");
    let expected = format!("mine.toml, line {}: [schedule] has no key epoch, only ", line(&wrong, "epoch"));
    assert!(refused(&wrong).starts_with(&expected), "{}", refused(&wrong));
    let wrong = digits.replace("[schedule]", "[schedule]\nminimum_rate = \"low\"");
    let expected = format!(
        "mine.toml, line {}: schedule.minimum_rate is \"low\", expected a number",
        line(&wrong, "minimum_rate")
    );
    assert_eq!(refused(&wrong), expected);
    assert!(refused("name = \"a\"\n").starts_with("mine.toml: the recipe lacks the key "));
    let error = refused("name = \"a\"\nseed = = 1\n");
    assert!(error.starts_with("recipe mine.toml") && error.contains("line 2"), "{error}");
    for number in ["99999999999999999999", "-99999999999999999999"] {
        let error = refused(&format!("name = \"a\"\n[training]\nbatch_size = {number}\n"));
        let expected = format!("{number} is out of range: whole numbers are from -9223372036854775808 to ");
        assert!(error.contains("line 3") && error.contains(&expected) && !error.contains("i128"), "{error}");
    }
    assert!(matches!(Recipe::read("no/such.toml", &[]), Err(RecipeError::Read { .. })));

    // Values out of their range as well.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, digits.replace("[schedule]", "[schedule]\nminimum_rate = -1.0")).unwrap();
    let error = Recipe::read(file.to_str().unwrap(), &[]).unwrap_err().to_string();
    let place = format!("mine.toml, line {}: schedule.minimum_rate is -1, expected ", line(&wrong, "minimum_rate"));
    assert!(error.contains(&place), "{error}");
}

#[test]
fn values_out_of_range_are_named() {
    for (change, name) in [
        ("name=\"a/b\"", "name"),
        ("name=\"..\"", "name"),
        ("loss.logit_adjustment=-1", "loss.logit_adjustment"),
        ("loss.logit_adjustment=nan", "loss.logit_adjustment"),
        ("data.validation_share=1.0", "data.validation_share"),
        ("weights.path=", "weights.path"),
        ("data.train_labels={kind=\"votes\", path=\"\"}", "data.train_labels.path"),
        ("data.max_pixels=0", "data.max_pixels"),
        ("data.train_part=\"validation\"", "data.test_share"),
        ("data.test_share=0.0", "data.test_share"),
        ("data.imbalance=0.5", "data.imbalance"),
        ("training.batch_size=0", "training.batch_size"),
        ("training.accumulate=0", "training.accumulate"),
        ("training.workers=5000", "training.workers"),
        ("schedule.epochs=0", "schedule.epochs"),
        ("schedule.warmup_epochs=21", "schedule.warmup_epochs"),
        ("schedule.warmup_epochs=nan", "schedule.warmup_epochs"),
        ("schedule.minimum_rate=-1.0", "schedule.minimum_rate"),
        ("schedule.minimum_rate=0.2", "schedule.minimum_rate"),
        ("loss.temperature=0.0", "loss.temperature"),
        ("loss.alpha=nan", "loss.alpha"),
        ("optimizer.momentum=1.0", "optimizer.momentum"),
        ("compare.losses=[]", "compare.losses"),
        ("compare.losses=[\"nll\", \"nll\"]", "compare.losses"),
        ("compare.seeds=0", "compare.seeds"),
        ("compare.learning_rates=[0.0]", "compare.learning_rates"),
        ("compare.learning_rates=[0.1, 0.1]", "compare.learning_rates"),
        ("data.validation_share=0.0", "evaluation.best"),
        ("training.batch_size=1", "training.batch_size"),
        ("mixing={smoothing=1.0}", "mixing.smoothing"),
        ("network.depth=17", "network.depth"),
        ("mixing.mixup=-1.0", "mixing.mixup"),
        ("augmentation.size=[0, 28]", "augmentation.size"),
        ("augmentation.train.flip=2", "augmentation.train.flip"),
        ("augmentation.train.rand_augment=rand-x1", "augmentation.train.rand_augment"),
        ("augmentation.train.random_resized_crop={}", "augmentation.train.random_crop"),
        ("candidates={kind=\"queue\", size=0}", "candidates.size"),
        ("optimizer.base_learning_rate=0.1", "optimizer.learning_rate"),
    ] {
        match built_in("fashion-mnist-resnet", &[change]) {
            Err(RecipeError::Refused { key, .. }) => assert_eq!(key, name, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
}

#[test]
fn refused_values_say_why() {
    for (change, expected) in [
        ("loss.alpha=nan", "loss.alpha is NaN, expected a finite number"),
        ("compare.losses=[\"nll\", \"bce\", \"nll\"]", "compare.losses is nll, bce, nll, expected each loss once"),
        (
            "data.train_part=\"validation\"",
            "data.test_share is not set, expected a share, because data.train_part is \"validation\"",
        ),
        (
            "augmentation.train.random_resized_crop={}",
            "set augmentation.train.random_crop or augmentation.train.random_resized_crop, not both",
        ),
        (
            "data.validation_share=0.0",
            "evaluation.best is true, expected false, because data.validation_share is 0: the test pictures would decide \
             which epoch is tested",
        ),
    ] {
        let message = built_in("fashion-mnist-resnet", &[change]).unwrap_err().to_string();
        assert!(message.ends_with(&format!(": {expected}")), "{message}");
    }
}

#[test]
fn batches_of_one_picture_are_refused_if_nothing_can_be_learned_from_them() {
    let batch = "training.batch_size=1";
    for (loss, more, words) in [
        (
            "loss.kind=soft-target-infonce",
            "candidates={kind=\"batch\"}",
            "the candidates of a picture come from its batch",
        ),
        ("loss.kind=infonce", "candidates={kind=\"batch\"}", "candidates.kind = \"queue\", \"draws\" or \"classes\""),
        (
            "loss.kind=soft-target-cross-entropy",
            "mixing={mixup=0.8}",
            "mixing.mixup and mixing.cutmix mix the pictures",
        ),
        ("loss.kind=bce", "mixing={cutmix=1.0}", "mixing.mixup and mixing.cutmix mix the pictures"),
    ] {
        let message = built_in("digits", &[batch, loss, more]).unwrap_err().to_string();
        assert!(message.contains(": training.batch_size is 1, expected at least 2, because "), "{message}");
        assert!(message.contains(words), "{message}");
    }
    for (loss, more) in [
        ("loss.kind=infonce", "candidates={kind=\"queue\", size=16}"),
        ("loss.kind=soft-target-cross-entropy", "mixing={smoothing=0.1}"),
        ("loss.kind=nll", "mixing={mixup=0.8}"),
    ] {
        built_in("digits", &[batch, loss, more]).unwrap();
    }
}
