//! The state of the machine that reads pickles: stack, marks and memo.

use std::collections::HashMap;
use std::io::BufRead;

use super::{Arena, Input, Node, Object, Value};

/// Most values on the stack, and most open marks. Python's pickler puts at most a thousand entries of a list there at once.
const HIGHEST_STACK: usize = 1 << 22;

pub(crate) struct Machine<'a> {
    pub(crate) arena: &'a mut Arena,
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    /// Values that later operations refer to by number.
    memo: HashMap<u64, Value>,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(arena: &'a mut Arena) -> Machine<'a> {
        Machine { arena, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    pub(crate) fn mark(&mut self) -> Result<(), String> {
        if self.marks.len() == HIGHEST_STACK {
            return Err(format!("more than {HIGHEST_STACK} nested values"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    pub(crate) fn push(&mut self, value: Value) -> Result<(), String> {
        if self.stack.len() == HIGHEST_STACK {
            return Err(format!("more than {HIGHEST_STACK} values on the stack"));
        }
        self.stack.push(value);
        Ok(())
    }

    pub(crate) fn top(&mut self) -> Result<Value, String> {
        let [value] = self.last()?;
        self.stack.push(value);
        Ok(value)
    }

    pub(crate) fn pop(&mut self) -> Result<Value, String> {
        let [value] = self.last()?;
        Ok(value)
    }

    /// Takes the last values, down to the last mark at most.
    pub(crate) fn last<const N: usize>(&mut self) -> Result<[Value; N], String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let above = self.stack.get(floor..).unwrap_or_default();
        let &last = above.last_chunk().ok_or("a value is missing on the stack")?;
        self.stack.truncate(self.stack.len() - N);
        Ok(last)
    }

    /// Takes the last mark and the values above it.
    pub(crate) fn above_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing on the stack")?;
        Ok(self.stack.split_off(mark))
    }

    pub(crate) fn add(&mut self, node: Node) -> Result<(), String> {
        let value = self.arena.add(node)?;
        self.push(value)
    }

    pub(crate) fn sequence(&mut self, values: Vec<Value>) -> Result<(), String> {
        self.add(Node::Sequence(values))
    }

    /// Adds a call, or an empty dictionary where `callable` is [`Value::None`].
    pub(crate) fn call(&mut self, callable: Value, arguments: Value) -> Result<(), String> {
        self.add(Node::Object(Box::new(Object { callable, arguments, items: Vec::new(), state: Value::None })))
    }

    /// Adds a string, or [`Value::Other`] in place of one that is not kept.
    pub(crate) fn bytes(&mut self, bytes: Option<Vec<u8>>) -> Result<(), String> {
        match bytes {
            Some(bytes) => self.add(Node::Bytes(bytes.into())),
            None => self.push(Value::Other),
        }
    }

    /// Adds a string whose length, of `N` bytes, comes before it.
    pub(crate) fn counted<const N: usize, R: BufRead>(&mut self, input: &mut Input<R>) -> Result<(), String> {
        let length = input.number::<N>()?;
        let bytes = input.bytes(length, self.arena.longest())?;
        self.bytes(bytes)
    }

    /// Adds an integer whose length, of `N` bytes, comes before it.
    pub(crate) fn long<const N: usize, R: BufRead>(&mut self, input: &mut Input<R>) -> Result<(), String> {
        let length = input.number::<N>()?;
        let bytes = input.bytes(length, 8)?;
        self.push(bytes.map_or(Value::Other, |bytes| {
            let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..bytes.len()].copy_from_slice(&bytes);
            Value::Int(i64::from_le_bytes(wide))
        }))
    }

    pub(crate) fn global(&mut self, module: Option<&str>, name: Option<&str>) -> Result<(), String> {
        match (module, name) {
            (Some(module), Some(name)) => self.add(Node::Global(format!("{module}.{name}").into())),
            _ => self.push(Value::Other),
        }
    }

    pub(crate) fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        self.add(Node::Persistent(id))
    }

    /// Sets keys and values of the dictionary or call on top of the stack. For any other value they are dropped.
    pub(crate) fn set_items(&mut self, values: &[Value]) -> Result<(), String> {
        let (pairs, rest) = values.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("a key has no value".to_owned());
        }
        let target = self.top()?;
        self.arena.spend(2 * size_of_val(values))?;
        if let Some(Node::Object(object)) = self.arena.node_mut(target) {
            object.items.extend(pairs.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    /// Appends to the list or set on top of the stack. For any other value the items are dropped.
    pub(crate) fn append(&mut self, values: &[Value]) -> Result<(), String> {
        let target = self.top()?;
        self.arena.spend(2 * size_of_val(values))?;
        if let Some(Node::Sequence(list)) = self.arena.node_mut(target) {
            list.extend_from_slice(values);
        }
        Ok(())
    }

    /// Stores the value on top of the stack in the memo; `None`: under the next number.
    pub(crate) fn remember(&mut self, index: Option<u64>) -> Result<(), String> {
        let top = self.top()?;
        self.arena.spend(4 * size_of::<(u64, Value)>())?;
        self.memo.insert(index.unwrap_or(self.memo.len() as u64), top);
        Ok(())
    }

    pub(crate) fn recall(&mut self, index: u64) -> Result<(), String> {
        let value = *self.memo.get(&index).ok_or_else(|| format!("the memo has no value {index}"))?;
        self.push(value)
    }
}
