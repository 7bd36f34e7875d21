//! The machine, the settings, and how to run the measurement again.

use maud::{Markup, html};
use softnce_report::{number, page};

use crate::{BenchSettings, Case, CaseSet, Path, Results};

/// On what and how.
pub(crate) fn tables(results: &Results) -> Markup {
    let (machine, settings) = (&results.machine, &results.settings);
    let paths: Vec<&str> = settings.paths.iter().map(|path| path.name()).collect();
    let rows = [
        ("Processor", machine.processor.clone().unwrap_or_else(|| number::MISSING.to_owned())),
        ("Cores", number::count(machine.cores)),
        ("Instructions", machine.instructions.clone()),
        ("System", machine.system.clone()),
        ("Version", format!("softnce {}", results.version)),
        ("Threads", joined(&settings.threads)),
        ("Time", how_long(settings)),
        ("Memory cap", format!("{} for the tensor of the path reference", number::bytes(settings.memory_cap))),
        ("Gradients", gradients(settings).to_owned()),
        ("Paths", paths.join(", ")),
    ];
    page::table(
        "As it was measured.",
        "",
        html! {
            tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } }
        },
    )
}

/// The time for each path, in words.
pub(crate) fn how_long(settings: &BenchSettings) -> String {
    format!("{} s for each path at each case", number::setting(settings.seconds))
}

/// Where the gradients go, in words.
fn gradients(settings: &BenchSettings) -> &'static str {
    if settings.fresh_memory {
        "in new memory at every call"
    } else {
        "written over memory that is kept from call to call"
    }
}

/// How to run it again.
pub(crate) fn reproduce(results: &Results) -> Markup {
    html! {
        p { "From the source of softnce " (results.version) ":" }
        pre { code { "cargo run --release -- bench" (options(&results.settings)) } }
    }
}

/// The options of the program that give these settings.
fn options(settings: &BenchSettings) -> String {
    let default = BenchSettings::default();
    let mut options = cases(&settings.cases);
    let mut add = |name: &str, differs: bool, value: String| {
        if differs {
            options.push_str(&format!(" --{name} {value}"));
        }
    };
    let paths: Vec<&str> = settings.paths.iter().map(|path| path.name()).collect();
    add("paths", settings.paths != Path::ALL, paths.join(","));
    // The default depends on the machine.
    add("threads", true, joined(&settings.threads).replace(' ', ""));
    add("seconds", settings.seconds != default.seconds, settings.seconds.to_string());
    add("memory-cap", settings.memory_cap != default.memory_cap, settings.memory_cap.to_string());
    if settings.fresh_memory {
        options.push_str(" --fresh-memory");
    }
    options
}

/// The options for these cases: the names of sets if the cases are those of sets, otherwise one by one.
fn cases(cases: &[Case]) -> String {
    if cases == CaseSet::union(&CaseSet::DEFAULT) {
        return String::new();
    }
    let mut subsets = (1..1 << CaseSet::ALL.len()).map(|members: u32| {
        let sets = CaseSet::ALL.iter().copied().enumerate().filter(|(index, _)| (members >> index) & 1 == 1);
        sets.map(|(_, set)| set).collect::<Vec<_>>()
    });
    if let Some(sets) = subsets.find(|sets| CaseSet::union(sets) == cases) {
        return format!(" --cases {}", sets.iter().map(|set| set.name()).collect::<Vec<_>>().join(","));
    }
    let option = |case: &Case| match case.features {
        None => format!(" --case {},{},{}", case.rows, case.candidates, case.classes),
        Some(_) => format!(" --head {}", case.classes),
    };
    cases.iter().map(option).collect()
}

fn joined(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_give_the_settings_back() {
        let settings = |cases| BenchSettings { cases, threads: vec![1, 2], ..BenchSettings::default() };
        assert_eq!(options(&settings(CaseSet::union(&CaseSet::DEFAULT))), " --threads 1,2");
        assert_eq!(options(&settings(CaseSet::Quick.cases())), " --cases quick --threads 1,2");
        let two = CaseSet::union(&[CaseSet::Standard, CaseSet::Sweep]);
        assert_eq!(options(&settings(two)), " --cases standard,sweep --threads 1,2");
        let few = BenchSettings {
            paths: vec![Path::Compact, Path::Head],
            seconds: 0.5,
            memory_cap: 1024,
            fresh_memory: true,
            ..settings(vec![Case::STANDARD[1], Case::HEADS[0]])
        };
        let expected = " --case 128,1024,200 --head 10000 --paths compact,head --threads 1,2 --seconds 0.5 --memory-cap 1024 \
             --fresh-memory";
        assert_eq!(options(&few), expected);
    }
}
