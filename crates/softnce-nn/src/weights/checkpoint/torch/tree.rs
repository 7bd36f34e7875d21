//! All tensors of a pickled value, with their paths.

use std::collections::{HashSet, VecDeque};

use softnce_pickle::{Arena, Node, Object, Value};

use super::super::contents::Entry;
use super::super::layout::Layout;
use super::tensor::{Tensor, key_of, tensor};

/// A value to visit.
struct Place {
    value: Value,
    name: String,
    depth: usize,
    /// The module that it is a part of.
    module: Option<usize>,
}

/// Depth of the values that are searched for tensors.
const DEEPEST: usize = 64;
/// Bytes that the list of tensors may take.
const MEMORY: usize = 1 << 28;
/// Bytes of an entry of that list, without its name.
const ENTRY: usize = 512;

/// The tensors below a value. A value that occurs twice is searched once, at its shortest path.
///
/// `outside` gives the tensors that are not in the pickle, `located` where the numbers of a tensor lie: their layout and
/// the number of their storage.
///
/// # Errors
/// In words: a file of too many tensors.
pub(super) fn entries(
    arena: &Arena,
    root: Value,
    outside: &dyn Fn(Value) -> Option<Tensor>,
    mut located: impl FnMut(Tensor) -> Result<(Layout, usize), String>,
) -> Result<Vec<Entry>, String> {
    let mut walk =
        Walk { arena, outside, leaves: Vec::new(), queue: VecDeque::new(), seen: HashSet::new(), memory: MEMORY };
    walk.visit(Place { value: root, name: String::new(), depth: 0, module: None }, 0)?;
    while let Some(place) = walk.queue.pop_front() {
        walk.open(place)?;
    }
    let entry = |leaf: Leaf| Entry { name: leaf.name, group: leaf.group, tensor: leaf.tensor.and_then(&mut located) };
    Ok(walk.leaves.into_iter().map(entry).collect())
}

/// A tensor, or a value that would be one in PyTorch.
struct Leaf {
    /// Keys and attributes on the way to it, joined by dots.
    name: String,
    /// Number of the dictionary or module that it is in.
    group: usize,
    tensor: Result<Tensor, String>,
}

struct Walk<'a> {
    arena: &'a Arena,
    outside: &'a dyn Fn(Value) -> Option<Tensor>,
    leaves: Vec<Leaf>,
    queue: VecDeque<Place>,
    seen: HashSet<usize>,
    /// Bytes left.
    memory: usize,
}

impl Walk<'_> {
    /// Lists a tensor, or keeps another value for later.
    fn visit(&mut self, place: Place, group: usize) -> Result<(), String> {
        let Value::Node(index) = place.value else { return Ok(()) };
        if let Some(tensor) = tensor(self.arena, place.value, self.outside) {
            self.spend(&place.name)?;
            self.leaves.push(Leaf { name: place.name, group, tensor });
            return Ok(());
        }
        let holds = matches!(self.arena.node(place.value), Some(Node::Sequence(_) | Node::Object(_)));
        // Of millions of small objects, such as a long history, those furthest from the top are not searched.
        let room = self.memory > MEMORY / 2;
        if holds && room && place.depth < DEEPEST && self.seen.insert(index) {
            self.spend(&place.name)?;
            self.queue.push_back(place);
        }
        Ok(())
    }

    fn spend(&mut self, name: &str) -> Result<(), String> {
        let left = self.memory.checked_sub(name.len() + ENTRY);
        self.memory = left.ok_or_else(|| format!("the list of its tensors needs more than {} MiB", MEMORY >> 20))?;
        Ok(())
    }

    fn open(&mut self, place: Place) -> Result<(), String> {
        let Value::Node(index) = place.value else { return Ok(()) };
        // A module and its parts are one group, as they are one state dictionary in PyTorch.
        let group = place.module.unwrap_or(index);
        let arena = self.arena;
        match arena.node(place.value) {
            Some(Node::Sequence(values)) => {
                let nodes = values.iter().enumerate().filter(|(_, value)| matches!(value, Value::Node(_)));
                for (number, &value) in nodes {
                    self.below(&place, &number.to_string(), value, group, None)?;
                }
            }
            Some(Node::Object(object)) => {
                self.items(&place, &object.items, group, None)?;
                self.pairs(&place, object, group)?;
                let attributes = attributes(arena, object);
                let (module, hidden) = (is_module(arena, attributes), hidden(arena, attributes));
                let shown = |key| !arena.text(key).is_some_and(|key| hidden.contains(&key));
                for &(key, value) in attributes {
                    match arena.text(key) {
                        Some("_parameters" | "_buffers" | "_modules") if module => {
                            let Some(part) = arena.object(value) else { continue };
                            let items: Vec<_> = part.items.iter().copied().filter(|(key, _)| shown(*key)).collect();
                            self.items(&place, &items, group, Some(group))?;
                        }
                        Some(name) if !module => self.below(&place, name, value, group, None)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn items(
        &mut self,
        place: &Place,
        items: &[(Value, Value)],
        group: usize,
        module: Option<usize>,
    ) -> Result<(), String> {
        for &(key, value) in items {
            if let Some(key) = key_of(self.arena, key) {
                self.below(place, &key, value, group, module)?;
            }
        }
        Ok(())
    }

    /// The entries of `OrderedDict([(key, value), ..])`, as Python 2 pickled dictionaries, and of copies of a dictionary.
    fn pairs(&mut self, place: &Place, object: &Object, group: usize) -> Result<(), String> {
        let arena = self.arena;
        let dictionary = arena.global(object.callable).is_some_and(|name| name.to_lowercase().ends_with("dict"));
        for &value in arena.sequence(object.arguments).unwrap_or_default().iter().filter(|_| dictionary) {
            if let Some(inner) = arena.object(value) {
                self.items(place, &inner.items, group, None)?;
            }
            let pair = |&value: &Value| arena.sequence(value).and_then(|pair| Some((*pair.first()?, *pair.get(1)?)));
            let pairs: Vec<_> = arena.sequence(value).unwrap_or_default().iter().filter_map(pair).collect();
            self.items(place, &pairs, group, None)?;
        }
        Ok(())
    }

    fn below(
        &mut self,
        place: &Place,
        key: &str,
        value: Value,
        group: usize,
        module: Option<usize>,
    ) -> Result<(), String> {
        if !matches!(value, Value::Node(_)) {
            return Ok(());
        }
        let name = if place.name.is_empty() { key.to_owned() } else { format!("{}.{key}", place.name) };
        self.visit(Place { value, name, depth: place.depth + 1, module }, group)
    }
}

/// The attributes of an instance: its state is a dictionary, or a pair of one and the values of slots.
fn attributes<'a>(arena: &'a Arena, object: &Object) -> &'a [(Value, Value)] {
    let state = match arena.sequence(object.state) {
        Some(pair) => pair.first().copied().unwrap_or(Value::None),
        None => object.state,
    };
    arena.object(state).map_or(&[], |state| &state.items)
}

fn is_module(arena: &Arena, attributes: &[(Value, Value)]) -> bool {
    ["_parameters", "_modules"].iter().all(|name| attributes.iter().any(|(key, _)| arena.text(*key) == Some(name)))
}

/// The buffers of a module that are not in its state dictionary.
fn hidden<'a>(arena: &'a Arena, attributes: &[(Value, Value)]) -> Vec<&'a str> {
    let find = |(key, value): &(Value, Value)| (arena.text(*key)? == "_non_persistent_buffers_set").then_some(*value);
    let Some(set) = attributes.iter().find_map(find) else { return Vec::new() };
    // Protocol 2 pickles a set as the call `set([..])`.
    let values = match arena.object(set) {
        Some(call) => arena.sequence(call.arguments).and_then(|arguments| arena.sequence(*arguments.first()?)),
        None => arena.sequence(set),
    };
    values.unwrap_or_default().iter().filter_map(|&value| arena.text(value)).collect()
}
