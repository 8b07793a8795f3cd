//! The system calls of a turn: epoll, eventfd, accept, recv, send. The only room that sees descriptors as numbers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub const READ: u32 = (libc::EPOLLIN | libc::EPOLLRDHUP) as u32;
pub const WRITE: u32 = libc::EPOLLOUT as u32;
pub const HANGUP: u32 = (libc::EPOLLHUP | libc::EPOLLERR) as u32;
/// Told once of each change: a socket that was read empty is not looked at again by the next wait.
pub const EDGE: u32 = libc::EPOLLET as u32;
/// The peer says no more; behind what it said there is its end to be read.
pub const ENDED: u32 = libc::EPOLLRDHUP as u32 | HANGUP;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// What became ready: the token given to `add` and the event bits.
#[derive(Clone, Copy)]
pub struct Ready {
    pub token: u64,
    pub events: u32,
}

pub struct Poll {
    fd: OwnedFd,
    buffer: Vec<libc::epoll_event>,
}

impl Poll {
    pub fn new() -> io::Result<Self> {
        // SAFETY: a plain system call; the descriptor it returns is ours alone.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Self { fd, buffer: vec![libc::epoll_event { events: 0, u64: 0 }; 512] })
    }

    /// Fills `ready`. An interrupted wait is an empty one.
    pub fn wait(&mut self, timeout_ms: i32, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        // SAFETY: the buffer outlives the call and its length is the one given.
        let count = unsafe {
            libc::epoll_wait(
                self.fd.as_raw_fd(),
                self.buffer.as_mut_ptr(),
                self.buffer.len() as i32,
                timeout_ms,
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        ready.extend(
            self.buffer.iter().take(count as usize).map(|e| Ready { token: e.u64, events: e.events }),
        );
        Ok(())
    }

    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// An epoll set named by its descriptor, so that a connection can move between carriers' sets.
#[derive(Clone, Copy)]
pub struct PollSet(pub RawFd);

impl PollSet {
    fn control(self, operation: i32, fd: RawFd, token: u64, events: u32) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: the event lives through the call.
        check(unsafe { libc::epoll_ctl(self.0, operation, fd, &mut event) }).map(drop)
    }

    pub fn add(self, fd: RawFd, token: u64, events: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, events)
    }

    pub fn change(self, fd: RawFd, token: u64, events: u32) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, events)
    }

    pub fn remove(self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }
}

/// A counter the kernel can wake a poll with.
pub struct Wake(OwnedFd);

impl Wake {
    pub fn new() -> io::Result<Self> {
        // SAFETY: a plain system call; the descriptor it returns is ours alone.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    pub fn ring(&self) {
        let one = 1u64;
        // SAFETY: eight bytes of a live value. A full counter is already awake, so the result does not matter.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), 8) };
    }

    pub fn quiet(&self) {
        let mut count = 0u64;
        // SAFETY: eight bytes into a live value.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), 8) };
    }

    pub fn raw(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

pub enum Received {
    Bytes(usize),
    Nothing,
    End,
    Failed(io::Error),
}

pub fn receive(fd: RawFd, into: &mut [u8]) -> Received {
    // SAFETY: the slice is valid for its length.
    let count = unsafe { libc::recv(fd, into.as_mut_ptr().cast(), into.len(), 0) };
    match count {
        0 => Received::End,
        n if n > 0 => Received::Bytes(n as usize),
        _ => {
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Received::Nothing,
                _ => Received::Failed(error),
            }
        }
    }
}

/// How many bytes the kernel took; none is `Ok(0)`.
pub fn send(fd: RawFd, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the slice is valid for its length.
    let count = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL) };
    if count >= 0 {
        return Ok(count as usize);
    }
    let error = io::Error::last_os_error();
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(0),
        _ => Err(error),
    }
}

pub struct Accepted {
    pub fd: OwnedFd,
    pub peer: String,
    pub ip: Option<IpAddr>,
    /// Whose process it is, behind a Unix socket.
    pub uid: Option<u32>,
}

/// The next client waiting on a listening socket, if there is one.
pub fn accept(listener: RawFd) -> io::Result<Option<Accepted>> {
    // SAFETY: zeroed is a valid sockaddr_storage, and its length is given.
    let (fd, address) = unsafe {
        let mut address: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let fd = libc::accept4(listener, (&raw mut address).cast(), &mut length, flags);
        if fd < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {
                    Ok(None)
                }
                _ => Err(error),
            };
        }
        (OwnedFd::from_raw_fd(fd), address)
    };
    prepare(fd.as_raw_fd());
    let (peer, ip) = describe(&address);
    let uid = (i32::from(address.ss_family) == libc::AF_UNIX).then(|| owner(fd.as_raw_fd())).flatten();
    let peer = uid.map_or(peer, |uid| format!("unix/{uid}"));
    Ok(Some(Accepted { fd, peer, ip, uid }))
}

/// Who made the connection to a Unix socket, as the kernel noted it then.
fn owner(fd: RawFd) -> Option<u32> {
    // SAFETY: zeroed is a valid ucred, and its length is given.
    unsafe {
        let mut who: libc::ucred = std::mem::zeroed();
        let mut length = size_of::<libc::ucred>() as libc::socklen_t;
        let got =
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut who).cast(), &mut length);
        // A process of another user namespace has no number here.
        (got == 0 && length as usize == size_of::<libc::ucred>() && who.uid != u32::MAX).then_some(who.uid)
    }
}

/// The shortest way there and back that the kernel has seen on a connection, in microseconds; 0 where there is none.
pub fn way_us(fd: RawFd) -> u64 {
    /// Where `tcpi_min_rtt` stands in the kernel's `tcp_info`, of which `libc` knows the beginning only.
    const AT: usize = 148;
    let mut info = [0_u8; AT + 4];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes no more than the length that is given.
    let got = unsafe {
        libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &mut length)
    };
    match info.last_chunk::<4>() {
        Some(last) if got == 0 && length as usize == info.len() => u64::from(u32::from_ne_bytes(*last)),
        _ => 0,
    }
}

/// Our end of a socket, as `address:port`.
pub fn local_address(fd: RawFd) -> String {
    // SAFETY: zeroed is a valid sockaddr_storage, and its length is given.
    let address = unsafe {
        let mut address: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        libc::getsockname(fd, (&raw mut address).cast(), &mut length);
        address
    };
    describe(&address).0
}

fn describe(address: &libc::sockaddr_storage) -> (String, Option<IpAddr>) {
    let place = match i32::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in.
            let v4 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            SocketAddr::new(ip.into(), u16::from_be(v4.sin_port))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6.
            let v6 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            SocketAddr::new(ip.to_canonical(), u16::from_be(v6.sin6_port))
        }
        _ => return ("unix".to_owned(), None),
    };
    (place.to_string(), Some(place.ip()))
}

/// Non-blocking, no delay. Failures do not matter: a Unix socket knows no TCP_NODELAY.
pub fn prepare(fd: RawFd) {
    let one: libc::c_int = 1;
    // SAFETY: plain system calls on a descriptor we own.
    unsafe {
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, (&raw const one).cast(), 4);
        let flags = libc::fcntl(fd, libc::F_GETFL);
        libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK);
    }
}

/// Takes a descriptor over from Python.
pub fn adopt(fd: RawFd) -> OwnedFd {
    prepare(fd);
    // SAFETY: the border says that the core owns descriptors it is given.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
