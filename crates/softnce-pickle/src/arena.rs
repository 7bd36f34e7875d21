//! The values of pickles.

/// A value. Values that do not fit into it are nodes of an [`Arena`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer of at most 64 bits.
    Int(i64),
    /// A value that is not kept: a float, a larger integer, a long string.
    Other,
    /// The node with this index.
    Node(usize),
}

impl Value {
    /// Its integer.
    pub fn int(self) -> Option<i64> {
        if let Value::Int(number) = self { Some(number) } else { None }
    }

    /// Its integer, if that is not negative.
    pub fn size(self) -> Option<usize> {
        usize::try_from(self.int()?).ok()
    }
}

/// A value of any size.
#[derive(Debug)]
pub enum Node {
    /// A string in UTF-8, or bytes.
    Bytes(Box<[u8]>),
    /// A class or function with its module, such as `torch._utils._rebuild_tensor_v2`.
    Global(Box<str>),
    /// A tuple, list or set.
    Sequence(Vec<Value>),
    /// A dictionary, or a call.
    Object(Box<Object>),
    /// A reference to data outside the pickle, by its id.
    Persistent(Value),
}

/// A dictionary, or the result that a call would have had.
#[derive(Debug)]
pub struct Object {
    /// The class or function; [`Value::None`] for a dictionary.
    pub callable: Value,
    /// The arguments of the call.
    pub arguments: Value,
    /// Keys and values that were set.
    pub items: Vec<(Value, Value)>,
    /// The state that was set, usually the attributes of an instance.
    pub state: Value,
}

/// All nodes of one or several pickles.
#[derive(Debug)]
pub struct Arena {
    nodes: Vec<Node>,
    /// Bytes that may be used.
    memory: usize,
    /// Bytes that may still be used.
    left: usize,
    /// Longer strings are not kept.
    longest: u64,
}

impl Default for Arena {
    /// Values of up to 1 GiB, strings of up to 1 KiB.
    fn default() -> Arena {
        Arena::new(1 << 30, 1 << 10)
    }
}

impl Arena {
    /// An arena for values of up to `memory` bytes. Strings of more than `longest` bytes become [`Value::Other`].
    pub fn new(memory: usize, longest: usize) -> Arena {
        Arena { nodes: Vec::new(), memory, left: memory, longest: longest as u64 }
    }

    pub(crate) fn longest(&self) -> u64 {
        self.longest
    }

    /// Counts memory that is about to be used.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| format!("the values need more than {} MiB", self.memory >> 20))?;
        Ok(())
    }

    /// Adds a node.
    pub(crate) fn add(&mut self, node: Node) -> Result<Value, String> {
        let more = match &node {
            Node::Bytes(bytes) => bytes.len(),
            Node::Global(name) => name.len(),
            Node::Sequence(values) => size_of_val(values.as_slice()),
            Node::Object(_) => size_of::<Object>(),
            Node::Persistent(_) => 0,
        };
        // Vectors grow to twice what they hold.
        self.spend(2 * size_of::<Node>() + more)?;
        self.nodes.push(node);
        Ok(Value::Node(self.nodes.len() - 1))
    }

    /// The node of a value.
    pub fn node(&self, value: Value) -> Option<&Node> {
        if let Value::Node(index) = value { self.nodes.get(index) } else { None }
    }

    pub(crate) fn node_mut(&mut self, value: Value) -> Option<&mut Node> {
        if let Value::Node(index) = value { self.nodes.get_mut(index) } else { None }
    }

    /// The content of a string or of bytes.
    pub fn bytes(&self, value: Value) -> Option<&[u8]> {
        if let Some(Node::Bytes(bytes)) = self.node(value) { Some(bytes) } else { None }
    }

    /// The content of a string, or of bytes in UTF-8.
    pub fn text(&self, value: Value) -> Option<&str> {
        str::from_utf8(self.bytes(value)?).ok()
    }

    /// The name of a class or function.
    pub fn global(&self, value: Value) -> Option<&str> {
        if let Some(Node::Global(name)) = self.node(value) { Some(name) } else { None }
    }

    /// The items of a tuple, list or set.
    pub fn sequence(&self, value: Value) -> Option<&[Value]> {
        if let Some(Node::Sequence(values)) = self.node(value) { Some(values) } else { None }
    }

    /// A dictionary or a call.
    pub fn object(&self, value: Value) -> Option<&Object> {
        if let Some(Node::Object(object)) = self.node(value) { Some(object) } else { None }
    }

    /// The ids of all references to data outside the pickle, in the order of the pickle.
    pub fn persistent(&self) -> impl Iterator<Item = Value> {
        self.nodes.iter().filter_map(|node| if let Node::Persistent(id) = node { Some(*id) } else { None })
    }
}
