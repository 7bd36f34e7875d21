//! A small web server on loopback, for tests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The path asked for, with the first byte if a part is.
type Request = (String, Option<usize>);

/// How the server answers for one path.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) content: Vec<u8>,
    /// Whether it sends parts of a file.
    pub(super) ranges: bool,
    /// After how many bytes of an answer it hangs up.
    pub(super) cut: Option<usize>,
    /// What it says of the length, if not the truth; `Some(None)` says nothing.
    pub(super) length: Option<Option<usize>>,
    /// What it says the part begins at, if not the truth.
    pub(super) start: Option<usize>,
}

impl Page {
    pub(super) fn new(content: &[u8]) -> Self {
        Self { content: content.to_vec(), ranges: true, cut: None, length: None, start: None }
    }
}

/// Serves until dropped.
pub(super) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn new<P: Into<String>>(pages: impl IntoIterator<Item = (P, Page)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pages: HashMap<String, Page> = pages.into_iter().map(|(path, page)| (path.into(), page)).collect();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, stopped) = (requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hung up is no matter.
                let _ = stream.and_then(|stream| answer(stream, &pages, &seen));
            }
        });
        Self { address, requests, stop, thread: Some(thread) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked for.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn answer(mut stream: TcpStream, pages: &HashMap<String, Page>, seen: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("range: bytes=") {
            range = text.trim_end_matches('-').parse().ok();
        }
    }
    seen.lock().unwrap().push((path.clone(), range));
    let Some(page) = pages.get(&path) else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnone\n");
    };
    let total = page.content.len();
    let start = range.filter(|_| page.ranges);
    if start.is_some_and(|start| start >= total) {
        return write!(
            stream,
            "HTTP/1.1 416 No\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    let body = &page.content[start.unwrap_or(0)..];
    match start {
        None => write!(stream, "HTTP/1.1 200 OK\r\n")?,
        Some(start) => {
            let start = page.start.unwrap_or(start);
            write!(stream, "HTTP/1.1 206 Part\r\nContent-Range: bytes {start}-{}/{total}\r\n", total - 1)?;
        }
    }
    if let Some(length) = page.length.unwrap_or(Some(body.len())) {
        write!(stream, "Content-Length: {length}\r\n")?;
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    stream.write_all(&body[..page.cut.unwrap_or(body.len()).min(body.len())])
}
