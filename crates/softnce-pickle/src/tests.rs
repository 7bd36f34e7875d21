use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Result<(Arena, Value), String> {
    let mut arena = Arena::new(1 << 26, 1 << 10);
    load(&mut Input::new(bytes), &mut arena).map(|value| (arena, value))
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).unwrap_err()
}

/// The value as text, for comparison.
fn shown(bytes: &[u8]) -> String {
    let (arena, value) = read(bytes).unwrap();
    words(&arena, value, 0)
}

fn words(arena: &Arena, value: Value, depth: usize) -> String {
    if depth > 9 {
        return "..".to_owned();
    }
    let all =
        |values: &[Value]| values.iter().map(|&value| words(arena, value, depth + 1)).collect::<Vec<_>>().join(" ");
    match (value, arena.node(value)) {
        (_, Some(Node::Bytes(bytes))) => format!("{:?}", String::from_utf8_lossy(bytes)),
        (_, Some(Node::Global(name))) => name.to_string(),
        (_, Some(Node::Sequence(values))) => format!("[{}]", all(values)),
        (_, Some(Node::Persistent(id))) => format!("@{}", words(arena, *id, depth + 1)),
        (_, Some(Node::Object(object))) => {
            let call =
                if object.callable == Value::None { String::new() } else { all(&[object.callable, object.arguments]) };
            let items: Vec<String> = object.items.iter().map(|&(key, value)| all(&[key, value])).collect();
            let state =
                if object.state == Value::None { String::new() } else { format!(" & {}", all(&[object.state])) };
            format!("{call}{{{}}}{state}", items.join(", "))
        }
        (value, None) => format!("{value:?}"),
    }
}

#[test]
fn pickles_of_all_protocols_are_read() {
    // import pickle, collections; value = {"a": [1, -2, 300, 70000, True, None, 2.5], "b": (3,)}
    // for n in range(6): print(pickle.dumps(value, n))
    let expected = r#"{"a" [Int(1) Int(-2) Int(300) Int(70000) Bool(true) None Other], "b" [Int(3)]}"#;
    let values: [&[u8]; 6] = [
        b"(dp0\nVa\np1\n(lp2\nI1\naI-2\naI300\naI70000\naI01\naNaF2.5\nasVb\np3\n(I3\ntp4\ns.",
        b"}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00I01\nNG@\x04\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00bq\x03(K\x03tq\x04u.",
        b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x88NG@\x04\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00bq\x03K\x03\x85q\x04u.",
        b"\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x88NG@\x04\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00bq\x03K\x03\x85q\x04u.",
        b"\x80\x04\x95/\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x88NG@\x04\x00\x00\x00\x00\x00\x00e\x8c\x01b\x94K\x03\x85\x94u.",
        b"\x80\x05\x95/\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x88NG@\x04\x00\x00\x00\x00\x00\x00e\x8c\x01b\x94K\x03\x85\x94u.",
    ];
    for value in values {
        assert_eq!(shown(value), expected);
    }
}

#[test]
fn calls_are_kept_and_never_made() {
    // pickle.dumps(collections.defaultdict(list, a=[1]), 2)
    let value = b"\x80\x02ccollections\ndefaultdict\nq\x00c__builtin__\nlist\nq\x01\x85q\x02Rq\x03X\x01\x00\x00\x00aq\x04]q\x05K\x01as.";
    assert_eq!(shown(value), r#"collections.defaultdict [__builtin__.list]{"a" [Int(1)]}"#);
    // pickle.dumps(argparse.Namespace(lr=1), 2)
    let value = b"\x80\x02cargparse\nNamespace\nq\x00)\x81q\x01}q\x02X\x02\x00\x00\x00lrq\x03K\x01sb.";
    assert_eq!(shown(value), r#"argparse.Namespace []{} & {"lr" Int(1)}"#);
    // What would delete files: a call like any other.
    assert_eq!(shown(b"cos\nsystem\n(S'rm -rf /'\ntR."), r#"os.system ["rm -rf /"]{}"#);
    assert_eq!(shown(b"(cos\nsystem\nI7\no."), "os.system [Int(7)]{}");
    assert_eq!(shown(b"(I7\nios\nsystem\n."), "os.system [Int(7)]{}");
    assert_eq!(shown(b"\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92."), "os.system []{}");
    assert_eq!(shown(b"Pid7\n."), r#"@"id7""#);
    assert_eq!(shown(b"\x80\x02(X\x01\x00\x00\x00aK\x07tQ."), r#"@["a" Int(7)]"#);
    // A string of Python 2 whose content is in escape sequences is not kept.
    assert_eq!(shown(b"(S'a'\nS'\\x00'\nV\\u00e9\nt."), r#"["a" Other Other]"#);
    // Codes of the extension registry, of one, two and four bytes.
    assert_eq!(shown(b"\x80\x02(\x82\x01\x83\x01\x02\x84\x01\x02\x03\x04t."), "[Other Other Other]");
    // Sets, bytes, integers of many bytes.
    assert_eq!(shown(b"\x80\x04\x8f(K\x01K\x02\x90."), "[Int(1) Int(2)]");
    assert_eq!(shown(b"\x80\x03C\x02ab\x8a\x02\x00\x80\x86."), r#"["ab" Int(-32768)]"#);
    assert_eq!(shown(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."), "Other");
}

#[test]
fn values_within_themselves_and_deep_ones_are_read() {
    // l = []; l.append(l)
    assert_eq!(shown(b"]q\x00h\x00a."), "[[[[[[[[[[..]]]]]]]]]]");
    let mut deep = vec![b']'; 300_000];
    deep.extend(vec![b'a'; 299_999]);
    deep.push(b'.');
    assert!(read(&deep).is_ok());
    let mut marks = vec![b'('; (1 << 22) + 1];
    marks.push(b'.');
    assert_eq!(refused(&marks), "byte 4194304 of its pickle: more than 4194304 nested values");
}

#[test]
fn pickles_follow_each_other_and_long_strings_are_not_kept() {
    let bytes = b"K\x07.U\x03abcU\x04\xff\xfe\x00\x01\x86.rest";
    for (longest, kept) in [(3, None), (4, Some(&b"\xff\xfe\x00\x01"[..]))] {
        let (mut arena, mut input) = (Arena::new(1 << 20, longest), Input::new(&bytes[..]));
        assert_eq!(load(&mut input, &mut arena).unwrap().size(), Some(7));
        let value = load(&mut input, &mut arena).unwrap();
        let &[one, other] = arena.sequence(value).unwrap() else { panic!("{value:?}") };
        assert_eq!((arena.text(one), arena.bytes(other), arena.text(other)), (Some("abc"), kept, None));
        assert_eq!((input.position(), input.into_inner()), (16, &b"rest"[..]));
    }
}

#[test]
fn what_is_no_pickle_is_refused() {
    assert_eq!(refused(b""), "byte 0 of its pickle: the file ends");
    assert_eq!(refused(b"a."), "byte 0 of its pickle: a value is missing on the stack");
    assert_eq!(refused(b"\x80\x02\xff."), "byte 2 of its pickle: no operation has the code 0xff");
    // Strings that claim 4 GiB and 2^63 bytes; no memory is allocated for them.
    assert_eq!(refused(b"X\xff\xff\xff\xffabc"), "byte 0 of its pickle: the file ends after 3 of 4294967295 bytes");
    assert!(refused(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc").contains("ends after 3 of 9223372036854775807"));
    for (bytes, reason) in [
        (&b"K\x01(0."[..], "byte 3 of its pickle: a value is missing"),
        (b"0", "a value is missing"),
        (b"h\x09.", "the memo has no value 9"),
        (b"}(K\x01u.", "byte 4 of its pickle: a key has no value"),
        (b"t.", "a mark is missing"),
        (b"R.", "a value is missing"),
        (b"(o.", "an object has no class"),
        (b"q\x00.", "a value is missing"),
        (b"gx\n.", "\"x\" is not a number of the memo"),
        (b".", "a value is missing"),
    ] {
        assert!(refused(bytes).contains(reason), "{}", refused(bytes));
    }
    // Pickles that fill memory: lists, an entry of the memo for each two bytes.
    assert!(refused(&b"]0".repeat(2_000_000)).ends_with("the values need more than 64 MiB"));
    assert!(refused(&[&b"\x80\x04N"[..], &b"\x94".repeat(2_000_000)].concat()).contains("64 MiB"));
}

proptest! {
    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    /// Operations alone, which get further than any bytes do.
    #[test]
    fn any_operations_end_in_a_value_or_an_error(
        codes in prop::collection::vec(prop::sample::select(b"(0123NKJ])}adeholpqrstuQRb\x81\x85\x86\x87\x88\x8f\x90\x91\x93\x94.".to_vec()), 0..200)
    ) {
        let _ = read(&codes);
    }
}
