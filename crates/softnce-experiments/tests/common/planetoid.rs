//! Writes the files of a Planetoid graph as Python 2 pickled them: protocol 2, matrices of SciPy, arrays of NumPy.

/// A graph whose first nodes are not tested, and whose last nodes are.
pub struct Planetoid {
    /// Features of each node, the test nodes last, in the order of `test_index`.
    pub features: Vec<Vec<(usize, f32)>>,
    /// Number of features.
    pub width: usize,
    /// Class of each node, in the same order.
    pub labels: Vec<usize>,
    pub classes: usize,
    /// The first nodes, whose labels are learned.
    pub labelled: usize,
    /// Numbers of the test nodes.
    pub test_index: Vec<usize>,
    /// The neighbours of each node, by its number.
    pub near: Vec<Vec<usize>>,
}

impl Planetoid {
    /// The files, by the ending of their names.
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let first = self.features.len() - self.test_index.len();
        let index: String = self.test_index.iter().map(|node| format!("{node}\n")).collect();
        vec![
            ("x", matrix(&self.features[..self.labelled], self.width)),
            ("y", classes(&self.labels[..self.labelled], self.classes)),
            ("tx", matrix(&self.features[first..], self.width)),
            ("ty", classes(&self.labels[first..], self.classes)),
            ("allx", matrix(&self.features[..first], self.width)),
            ("ally", classes(&self.labels[..first], self.classes)),
            ("graph", neighbours(&self.near)),
            ("test.index", index.into_bytes()),
        ]
    }
}

/// Sixty nodes of two classes in a ring, most edges within a class; a feature for the class, one in five wrong. The last
/// twenty are tested, in another order, and beyond them is a node that is not listed.
pub fn ring() -> Planetoid {
    let test_index: Vec<usize> = (0..20).map(|at| 40 + (7 * at) % 20).collect();
    let nodes: Vec<usize> = (0..40).chain(test_index.iter().map(|&node| if node == 59 { 60 } else { node })).collect();
    let label = |node: usize| node % 2;
    let features = nodes.iter().map(|&node| {
        let shown = if node % 5 == 0 { 1 - label(node) } else { label(node) };
        vec![(shown, 1.0), (2 + node % 4, 1.0)]
    });
    let near = (0..61).map(|node| if node == 59 { vec![] } else { vec![(node + 2) % 59, (node + 2) % 59, node] });
    Planetoid {
        features: features.collect(),
        width: 6,
        labels: nodes.iter().map(|&node| label(node)).collect(),
        classes: 2,
        labelled: 10,
        test_index: test_index.into_iter().map(|node| if node == 59 { 60 } else { node }).collect(),
        near: near.collect(),
    }
}

const START: &[u8] = b"\x80\x02";

fn int(value: usize) -> Vec<u8> {
    match value {
        0..=255 => vec![b'K', value as u8],
        256..=65_535 => [&b"M"[..], &(value as u16).to_le_bytes()].concat(),
        _ => [&b"J"[..], &(value as u32).to_le_bytes()].concat(),
    }
}

fn word(text: &str) -> Vec<u8> {
    [&[b'U', text.len() as u8], text.as_bytes()].concat()
}

/// An array; `kind` is `None` for the type that the first array of the file had, which is remembered as 11.
fn array(shape: &[usize], kind: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let mut sides: Vec<u8> = shape.iter().flat_map(|&side| int(side)).collect();
    sides.push(0x84 + shape.len() as u8);
    let remember = if kind == Some("i4") { &b"q\x0b"[..] } else { b"" };
    let kind = match kind {
        Some(kind) => [
            b"cnumpy\ndtype\n".to_vec(),
            word(kind),
            b"K\x00K\x01\x87R".to_vec(),
            remember.to_vec(),
            b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb".to_vec(),
        ]
        .concat(),
        None => b"h\x0b".to_vec(),
    };
    let length = (bytes.len() as u32).to_le_bytes();
    let parts: [&[u8]; 8] = [
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01",
        &sides,
        &kind,
        b"\x89T",
        &length,
        bytes,
        b"t",
        b"b",
    ];
    parts.concat()
}

fn matrix(rows: &[Vec<(usize, f32)>], width: usize) -> Vec<u8> {
    let mut starts = vec![0i32];
    starts.extend(rows.iter().scan(0, |end, row| {
        *end += row.len() as i32;
        Some(*end)
    }));
    let starts_bytes: Vec<u8> = starts.iter().flat_map(|start| start.to_le_bytes()).collect();
    let columns: Vec<u8> = rows.iter().flatten().flat_map(|(column, _)| (*column as i32).to_le_bytes()).collect();
    let values: Vec<u8> = rows.iter().flatten().flat_map(|(_, value)| value.to_le_bytes()).collect();
    let entries = values.len() / 4;
    let parts = [
        START.to_vec(),
        b"cscipy.sparse.csr\ncsr_matrix\nq\x01)\x81q\x02}q\x03(".to_vec(),
        [word("format"), word("csr")].concat(),
        [word("_shape"), int(rows.len()), int(width), vec![0x86]].concat(),
        [word("indptr"), array(&[starts.len()], Some("i4"), &starts_bytes)].concat(),
        [word("_cs_matrix__has_sorted_indices"), vec![0x88]].concat(),
        [word("indices"), array(&[entries], None, &columns)].concat(),
        [word("data"), array(&[entries], Some("f4"), &values)].concat(),
        [word("maxprint"), int(50)].concat(),
        b"ub.".to_vec(),
    ];
    parts.concat()
}

fn classes(labels: &[usize], classes: usize) -> Vec<u8> {
    let one_hot = labels.iter().flat_map(|&label| (0..classes).map(move |class| i32::from(class == label)));
    let bytes: Vec<u8> = one_hot.flat_map(i32::to_le_bytes).collect();
    [START.to_vec(), array(&[labels.len(), classes], Some("i4"), &bytes), b".".to_vec()].concat()
}

fn neighbours(near: &[Vec<usize>]) -> Vec<u8> {
    let mut bytes = [START, b"ccollections\ndefaultdict\nq\x01c__builtin__\nlist\nq\x02\x85Rq\x03("].concat();
    for (node, near) in near.iter().enumerate() {
        bytes.extend(int(node));
        bytes.extend(b"]r");
        bytes.extend((4 + node as u32).to_le_bytes());
        match &near[..] {
            [one] => bytes.extend([int(*one), b"a".to_vec()].concat()),
            near => {
                bytes.push(b'(');
                near.iter().for_each(|&other| bytes.extend(int(other)));
                bytes.push(b'e');
            }
        }
    }
    bytes.extend(b"u.");
    bytes
}
