//! The values of a pickle.

/// A value; the large ones lie in the [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A value that no weights need: a float, a larger integer, a long text.
    Other,
    /// The node with this index.
    Node(usize),
}

/// A large value.
#[derive(Debug)]
pub(in super::super) enum Node {
    /// A short text, or bytes that are one.
    Text(Box<str>),
    /// A class or function, such as `torch._utils._rebuild_tensor_v2`.
    Global(Box<str>),
    /// A tuple, list or set.
    Sequence(Vec<Value>),
    /// A dictionary, or the result of a call.
    Object(Box<Object>),
    /// A reference to something outside the pickle.
    Persistent(Value),
}

/// A dictionary, or what a call with these arguments would have made.
#[derive(Debug)]
pub(in super::super) struct Object {
    /// The class or function; [`Value::None`] for a plain dictionary.
    pub callable: Value,
    /// Its arguments.
    pub arguments: Value,
    /// Keys and values that were set.
    pub items: Vec<(Value, Value)>,
    /// The state that was set: the attributes of an instance.
    pub state: Value,
}

/// All nodes of a file's pickles.
#[derive(Debug)]
pub(in super::super) struct Arena {
    nodes: Vec<Node>,
    /// Bytes that may be used.
    memory: usize,
    /// Bytes that may still be used.
    left: usize,
}

/// Memory that the values of one file may take. The largest checkpoints need a few megabytes.
const MEMORY: usize = 1 << 30;

impl Arena {
    pub fn new() -> Arena {
        Arena::of(MEMORY)
    }

    /// An arena that may use this many bytes.
    pub(super) fn of(memory: usize) -> Arena {
        Arena { nodes: Vec::new(), memory, left: memory }
    }

    /// Counts memory that is about to be used.
    pub fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| format!("its pickled objects need more than {} MiB", self.memory >> 20))?;
        Ok(())
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) -> Result<Value, String> {
        let more = match &node {
            Node::Text(text) | Node::Global(text) => text.len(),
            Node::Sequence(values) => size_of_val(values.as_slice()),
            Node::Object(_) => size_of::<Object>(),
            Node::Persistent(_) => 0,
        };
        // Vectors grow to twice what they hold.
        self.spend(2 * size_of::<Node>() + more)?;
        self.nodes.push(node);
        Ok(Value::Node(self.nodes.len() - 1))
    }

    /// Adds an object without items and state.
    pub fn object(&mut self, callable: Value, arguments: Value) -> Result<Value, String> {
        let object = Object { callable, arguments, items: Vec::new(), state: Value::None };
        self.add(Node::Object(Box::new(object)))
    }

    pub fn node(&self, value: Value) -> Option<&Node> {
        if let Value::Node(index) = value { self.nodes.get(index) } else { None }
    }

    pub fn node_mut(&mut self, value: Value) -> Option<&mut Node> {
        if let Value::Node(index) = value { self.nodes.get_mut(index) } else { None }
    }

    pub fn text(&self, value: Value) -> Option<&str> {
        if let Some(Node::Text(text)) = self.node(value) { Some(text) } else { None }
    }

    pub fn global(&self, value: Value) -> Option<&str> {
        if let Some(Node::Global(name)) = self.node(value) { Some(name) } else { None }
    }

    pub fn sequence(&self, value: Value) -> Option<&[Value]> {
        if let Some(Node::Sequence(values)) = self.node(value) { Some(values) } else { None }
    }

    pub fn object_of(&self, value: Value) -> Option<&Object> {
        if let Some(Node::Object(object)) = self.node(value) { Some(object) } else { None }
    }

    /// The references to something outside, in the order of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Value> {
        self.nodes.iter().filter_map(|node| if let Node::Persistent(id) = node { Some(*id) } else { None })
    }
}
