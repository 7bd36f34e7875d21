//! The stack, the marks and the memo of the machine that reads pickles.

use std::collections::HashMap;
use std::io::BufRead;

use super::{Arena, Input, Node, Value};

/// Values on the stack. Python's pickler puts a thousand entries of a list there at a time.
const HIGHEST_STACK: usize = 1 << 22;

pub(super) struct Machine<'a> {
    pub(super) arena: &'a mut Arena,
    stack: Vec<Value>,
    /// Heights of the stack at the open marks.
    marks: Vec<usize>,
    /// Values to use again, by their numbers.
    memo: HashMap<u64, Value>,
}

/// Nothing to add to the position of the operation.
pub(super) fn misplaced() -> String {
    String::new()
}

impl<'a> Machine<'a> {
    pub(super) fn new(arena: &'a mut Arena) -> Machine<'a> {
        Machine { arena, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    /// Marks the height of the stack.
    pub(super) fn mark(&mut self) -> Result<(), String> {
        if self.marks.len() == HIGHEST_STACK {
            return Err(format!("its pickle nests more than {HIGHEST_STACK} values"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Number of values in the memo.
    pub(super) fn memo_length(&self) -> u64 {
        self.memo.len() as u64
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), String> {
        if self.stack.len() == HIGHEST_STACK {
            return Err(format!("its pickle stacks more than {HIGHEST_STACK} values"));
        }
        self.stack.push(value);
        Ok(())
    }

    /// The lowest place of the stack that may be taken from.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self) -> Result<Value, String> {
        self.stack.last().copied().filter(|_| self.stack.len() > self.floor()).ok_or_else(misplaced)
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// Takes the last values.
    pub(super) fn last(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor()).ok_or_else(misplaced)?;
        Ok(self.stack.split_off(start))
    }

    /// Takes the last mark and what is above it.
    pub(super) fn above_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(misplaced)?;
        Ok(self.stack.split_off(mark))
    }

    pub(super) fn add(&mut self, node: Node) -> Result<(), String> {
        let value = self.arena.add(node)?;
        self.push(value)
    }

    pub(super) fn sequence(&mut self, values: Vec<Value>) -> Result<(), String> {
        self.add(Node::Sequence(values))
    }

    pub(super) fn call(&mut self, callable: Value, arguments: Value) -> Result<(), String> {
        let value = self.arena.object(callable, arguments)?;
        self.push(value)
    }

    pub(super) fn text(&mut self, text: Option<&str>) -> Result<(), String> {
        match text {
            Some(text) => self.add(Node::Text(text.into())),
            None => self.push(Value::Other),
        }
    }

    pub(super) fn counted<const N: usize, R: BufRead>(&mut self, input: &mut Input<R>) -> Result<(), String> {
        let length = input.number::<N>()?;
        let bytes = input.bytes(length)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        self.text(text.as_deref())
    }

    pub(super) fn long<R: BufRead>(&mut self, input: &mut Input<R>, length: u64) -> Result<(), String> {
        let bytes = input.bytes(length)?.filter(|bytes| bytes.len() <= 8);
        self.push(bytes.map_or(Value::Other, |bytes| {
            let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..bytes.len()].copy_from_slice(&bytes);
            Value::Int(i64::from_le_bytes(wide))
        }))
    }

    pub(super) fn global(&mut self, module: Option<&str>, name: Option<&str>) -> Result<(), String> {
        match (module, name) {
            (Some(module), Some(name)) => self.add(Node::Global(format!("{module}.{name}").into())),
            _ => self.push(Value::Other),
        }
    }

    pub(super) fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        self.add(Node::Persistent(id))
    }

    /// Sets keys and values of the object on top of the stack. What is no object takes none.
    pub(super) fn set_items(&mut self, values: &[Value]) -> Result<(), String> {
        let (pairs, rest) = values.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(misplaced());
        }
        let target = self.top()?;
        self.arena.spend(2 * size_of_val(values))?;
        if let Some(Node::Object(object)) = self.arena.node_mut(target) {
            object.items.extend(pairs.iter().map(|&[key, value]| (key, value)));
        }
        Ok(())
    }

    /// Adds to the list on top of the stack.
    pub(super) fn append(&mut self, values: &[Value]) -> Result<(), String> {
        let target = self.top()?;
        self.arena.spend(2 * size_of_val(values))?;
        if let Some(Node::Sequence(list)) = self.arena.node_mut(target) {
            list.extend_from_slice(values);
        }
        Ok(())
    }

    pub(super) fn remember(&mut self, index: u64) -> Result<(), String> {
        let top = self.top()?;
        self.arena.spend(4 * size_of::<(u64, Value)>())?;
        self.memo.insert(index, top);
        Ok(())
    }

    pub(super) fn recall(&mut self, index: u64) -> Result<(), String> {
        let value = *self.memo.get(&index).ok_or_else(misplaced)?;
        self.push(value)
    }
}
