//! People on different workers: several nodes, and what they say to each other carried between them.

use proptest::prelude::*;

use super::layers::{Camera, SIMULCAST, asked, got};
use super::*;
use crate::node::feed::Origin;
use crate::node::{DropReason, FeedId, RelayMessage, RouteError};
use crate::tap::SenderReport;
use crate::transport::data::DataMessage;

/// Messages on their way: from, to, message, its bytes.
type Carried = VecDeque<(WorkerId, WorkerId, RelayMessage<'static>, Vec<u8>)>;

/// Takes everything a node has to say to the others.
fn collect(node: &mut Node, carried: &mut Carried) {
    let from = node.worker();
    while let Some((to, message)) = node.poll_relay() {
        let bytes = message.bytes().to_vec();
        carried.push_back((from, to, message.with_bytes(&[]), bytes));
    }
}

/// Workers, each with the clients that are on it.
struct Cluster {
    worlds: Vec<World>,
    /// Media messages that the ring between the workers has no room for.
    refuse: usize,
    /// How many messages of each kind were carried: packets, wishes for keyframes.
    packets: usize,
    wishes: usize,
}

impl Cluster {
    /// One worker for each entry, with as many connected clients.
    fn connected(clients: &[u64]) -> Self {
        Self::connected_on(Terms::default(), clients)
    }

    /// The same with clients that offer this.
    fn connected_on(terms: Terms, clients: &[u64]) -> Self {
        let (now, mut first) = (Instant::now(), 1);
        let worlds = (0u8..).zip(clients).map(|(worker, count)| {
            let numbers = first..first + count;
            first += count;
            let mut world = World::on_worker(WorkerId(worker), now, numbers);
            world.clients.iter_mut().for_each(|client| client.terms = terms);
            world.connect();
            world
        });
        Self { worlds: worlds.collect(), refuse: 0, packets: 0, wishes: 0 }
    }

    fn id(&self, (worker, client): (usize, usize)) -> ParticipantId {
        self.worlds[worker].clients[client].id
    }

    fn client(&mut self, (worker, client): (usize, usize)) -> &mut Client {
        &mut self.worlds[worker].clients[client]
    }

    fn attach(&mut self, from: (usize, usize), to: (usize, usize)) -> Result<(), RouteError> {
        let (publisher, subscriber) = (self.id(from), self.id(to));
        let now = self.worlds[to.0].now;
        let export = self.worlds[from.0].node.export(publisher, Source::Camera)?;
        let slot = Mid::new("3").expect("mid");
        self.worlds[to.0].node.import(now, &export, subscriber, slot)?;
        self.carry();
        Ok(())
    }

    fn frame(&mut self, from: (usize, usize), frame: u16, keyframe: bool) {
        self.worlds[from.0].send_frame(from.1, frame, keyframe);
        self.carry();
    }

    /// Carries messages until nobody has any.
    fn carry(&mut self) {
        let mut carried = Carried::new();
        loop {
            for world in &mut self.worlds {
                world.pump();
                collect(&mut world.node, &mut carried);
            }
            let Some((from, to, message, bytes)) = carried.pop_front() else { return };
            let message = message.with_bytes(&bytes);
            self.packets += usize::from(matches!(message, RelayMessage::Packet { .. }));
            self.wishes += usize::from(matches!(message, RelayMessage::Keyframe { .. }));
            if self.refuse > 0 && message.may_be_lost() {
                self.refuse -= 1;
                let world = &mut self.worlds[usize::from(from.0)];
                world.node.relay_refused(world.now, &message);
                continue;
            }
            let world = &mut self.worlds[usize::from(to.0)];
            world.node.handle_relay(world.now, from, message);
        }
    }

    fn pass(&mut self, duration: Duration) {
        for world in &mut self.worlds {
            world.pass(duration);
        }
        self.carry();
    }

    fn mirrors(&self) -> Vec<usize> {
        self.worlds.iter().map(|world| world.node.mirrors()).collect()
    }
}

/// Somebody's messages arrived, told by what the node hands to their transport: without SCTP there it drops them.
fn undelivered(world: &World) -> u64 {
    world.node.counters().dropped.of(DropReason::Data)
}

#[test]
fn a_viewer_on_another_worker_sees_from_the_first_keyframe_on_and_one_is_asked_for() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.frame(publisher, 1, true);
    cluster.attach(publisher, viewer).expect("attached");
    let camera = cluster.client(publisher).camera();
    assert!(cluster.client(publisher).rtcp.contains(&Incoming::KeyframeRequest { ssrc: camera }));
    cluster.frame(publisher, 2, false);
    cluster.frame(publisher, 3, true);
    cluster.frame(publisher, 4, false);
    assert_eq!(cluster.client(viewer).pictures(), [3, 4]);
    let started = |world: &World| {
        world.events.iter().filter(|event| matches!(event, Event::TrackStarted { .. })).count()
    };
    assert_eq!(started(&cluster.worlds[0]), 1);
    assert_eq!(started(&cluster.worlds[1]), 0, "a mirror is no new track");
}

#[test]
fn viewers_on_one_worker_share_one_mirror_and_the_last_one_closes_it() {
    let mut cluster = Cluster::connected(&[1, 2, 1]);
    let publisher = (0, 0);
    for viewer in [(1, 0), (1, 1), (2, 0)] {
        cluster.attach(publisher, viewer).expect("attached");
    }
    assert_eq!(cluster.mirrors(), [0, 1, 1]);
    cluster.frame(publisher, 1, true);
    assert_eq!(cluster.packets, 2, "once a worker, however many are shown it there");
    for viewer in [(1, 0), (1, 1), (2, 0)] {
        assert_eq!(cluster.client(viewer).pictures(), [1]);
    }

    let slot = Mid::new("3").expect("mid");
    let viewer = cluster.id((1, 0));
    cluster.worlds[1].node.detach(viewer, slot).expect("detached");
    cluster.carry();
    assert_eq!(cluster.mirrors(), [0, 1, 1]);
    let (now, viewer) = (cluster.worlds[1].now, cluster.id((1, 1)));
    cluster.worlds[1].node.leave(now, viewer);
    cluster.carry();
    assert_eq!(cluster.mirrors(), [0, 0, 1]);
    cluster.frame(publisher, 2, false);
    assert_eq!(cluster.packets, 3, "nothing more to the worker where nobody looks");
}

#[test]
fn a_viewers_loss_is_repaired_by_its_own_worker() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.attach(publisher, viewer).expect("attached");
    cluster.frame(publisher, 1, true);
    cluster.worlds[1].lose = Some((0, 1));
    cluster.frame(publisher, 2, false);
    cluster.frame(publisher, 3, false);
    let before = cluster.packets;
    let (first, ssrc) = {
        let packet = RtpPacket::parse(&cluster.client(viewer).rtp[0]).expect("RTP");
        (packet.sequence(), packet.ssrc())
    };
    let nack = feedback::nack(Ssrc(1), ssrc, &[first.wrapping_add(1)]).expect("nack");
    let sealed = cluster.client(viewer).seal_rtcp(&nack);
    cluster.worlds[1].send(0, &sealed);
    cluster.carry();
    assert_eq!(cluster.client(viewer).pictures(), [1, 3, 2]);
    assert_eq!(cluster.packets, before, "nothing crossed for it");
}

#[test]
fn a_lost_decoder_asks_across_workers_and_not_more_than_it_must() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.frame(publisher, 1, true);
    cluster.attach(publisher, viewer).expect("attached");
    for frame in 2..100 {
        cluster.frame(publisher, frame, false);
    }
    assert_eq!(cluster.wishes, 1, "a hundred packets in a moment are one wish");
    cluster.pass(Duration::from_millis(60));
    cluster.frame(publisher, 100, false);
    assert_eq!(cluster.wishes, 2);
}

#[test]
fn a_publisher_who_leaves_takes_the_picture_away_everywhere() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.attach(publisher, viewer).expect("attached");
    let (now, who) = (cluster.worlds[0].now, cluster.id(publisher));
    cluster.worlds[0].node.leave(now, who);
    cluster.carry();
    assert_eq!(cluster.mirrors(), [0, 0]);
    let slots = &cluster.worlds[1].node.participants[0].slots;
    assert!(slots.iter().all(|slot| slot.shows().is_none()));
}

#[test]
fn a_publisher_who_leaves_while_somebody_is_being_attached_leaves_nothing_behind() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let export = cluster.worlds[0].node.export(cluster.id((0, 0)), Source::Camera).expect("exported");
    let (now, who) = (cluster.worlds[0].now, cluster.id((0, 0)));
    cluster.worlds[0].node.leave(now, who);
    // The next feed gets the same key, and must not be mistaken for the one that was exported.
    let request = cluster.client((0, 0)).request();
    cluster.worlds[0].node.join(now, ParticipantId(99), &request).expect("joined");
    let (slot, viewer) = (Mid::new("3").expect("mid"), cluster.id((1, 0)));
    cluster.worlds[1].node.import(now, &export, viewer, slot).expect("nobody knows yet");
    assert_eq!(cluster.mirrors(), [0, 1]);
    cluster.carry();
    assert_eq!(cluster.mirrors(), [0, 0]);
    assert!(cluster.worlds[0].node.feeds.iter().all(|(_, feed)| feed.mirrors.is_empty()));
}

#[test]
fn a_slot_that_is_switched_fast_between_workers_ends_up_with_the_last_choice() {
    let mut cluster = Cluster::connected(&[2, 1, 1]);
    let (viewer, slot, now) = (cluster.id((2, 0)), Mid::new("3").expect("mid"), cluster.worlds[2].now);
    for from in [(0, 0), (0, 1), (1, 0), (0, 0), (1, 0), (0, 1)] {
        let publisher = cluster.id(from);
        let export = cluster.worlds[from.0].node.export(publisher, Source::Camera).expect("exported");
        cluster.worlds[2].node.import(now, &export, viewer, slot).expect("imported");
    }
    cluster.carry();
    assert_eq!(cluster.mirrors(), [0, 0, 1]);
    for (frame, from) in [(1, (0, 0)), (2, (0, 1)), (3, (1, 0))] {
        cluster.frame(from, frame, true);
    }
    assert_eq!(cluster.client((2, 0)).pictures(), [2]);
}

#[test]
fn the_publishers_clock_reaches_viewers_on_other_workers_at_once() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.frame(publisher, 1, true);
    let report = |ntp| {
        let sent = feedback::Sent { ssrc: Ssrc(2001), ntp, rtp_timestamp: 3000, packets: 1, octets: 8 };
        feedback::sender_report(&sent).expect("report")
    };
    let sealed = cluster.client(publisher).seal_rtcp(&report(77 << 32));
    cluster.worlds[0].send(0, &sealed);
    cluster.attach(publisher, viewer).expect("attached");
    let key = cluster.worlds[1].node.feeds.iter().find(|(_, feed)| feed.who == cluster.id(publisher));
    let known = key.and_then(|(_, feed)| feed.sender_report(0));
    assert!(matches!(known, Some(SenderReport { ntp, .. }) if ntp == 77 << 32), "the last one is told first");
    cluster.frame(publisher, 2, true);
    cluster.worlds[0].pass(Duration::from_millis(100));
    let sealed = cluster.client(publisher).seal_rtcp(&report(78 << 32));
    cluster.worlds[0].send(0, &sealed);
    cluster.carry();
    let told = |it: &Incoming| matches!(it, Incoming::SenderReport { ntp, .. } if *ntp == 78 << 32);
    assert!(cluster.client(viewer).rtcp.iter().any(told));
}

#[test]
fn losses_on_the_publishers_leg_make_viewers_on_other_workers_wait_too() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.attach(publisher, viewer).expect("attached");
    for frame in 1..120 {
        if frame % 20 == 7 {
            cluster.client(publisher).frame(frame, false);
        } else {
            cluster.frame(publisher, frame, frame == 1);
        }
        cluster.worlds[0].pass(Duration::from_millis(33));
    }
    let sent = feedback::Sent { ssrc: Ssrc(2001), ntp: 79 << 32, rtp_timestamp: 3000, packets: 1, octets: 8 };
    let sealed = cluster.client(publisher).seal_rtcp(&feedback::sender_report(&sent).expect("report"));
    cluster.worlds[0].send(0, &sealed);
    cluster.carry();
    let mirror = cluster.worlds[1].node.feeds.iter().find(|(_, feed)| feed.who == cluster.id(publisher));
    assert_eq!(mirror.map(|(_, feed)| feed.repair_time), Some(Duration::from_millis(240)));
}

#[test]
fn a_viewer_on_another_worker_is_shown_the_encoding_that_is_sent_until_its_own_is() {
    let mut cluster = Cluster::connected_on(SIMULCAST, &[1, 1]);
    let mut camera = Camera::new();
    let pictures = |cluster: &mut Cluster, camera: &mut Camera, count, keys: [bool; 3]| {
        for picture in 0..count {
            camera.picture(&mut cluster.worlds[0], keys.map(|key| key && picture == 0));
            cluster.pass(Duration::ZERO);
        }
    };
    // Browsers begin with the small one, and with the others when they know that there is room.
    camera.active = [true, false, false];
    pictures(&mut cluster, &mut camera, 1, [true; 3]);
    cluster.attach((0, 0), (1, 0)).expect("attached");
    pictures(&mut cluster, &mut camera, 5, [true; 3]);
    assert_eq!(got(&cluster.worlds[1], 0), [(0, 2), (0, 3), (0, 4), (0, 5), (0, 6)]);
    camera.active = [true, false, true];
    asked(&mut cluster.worlds[0]);
    pictures(&mut cluster, &mut camera, 1, [false; 3]);
    assert_eq!(asked(&mut cluster.worlds[0]), [2]);
    let before = cluster.packets;
    pictures(&mut cluster, &mut camera, 5, [false, false, true]);
    assert_eq!(got(&cluster.worlds[1], 0).last(), Some(&(2, 12)));
    assert!(cluster.packets - before <= 6, "nothing crosses that nobody needs there");
}

#[test]
fn when_a_worker_does_not_keep_up_the_loss_is_counted_and_a_keyframe_ends_it() {
    let mut cluster = Cluster::connected(&[1, 1]);
    let (publisher, viewer) = ((0, 0), (1, 0));
    cluster.attach(publisher, viewer).expect("attached");
    cluster.frame(publisher, 1, true);
    cluster.pass(Duration::from_secs(1));
    cluster.client(publisher).rtcp.clear();
    cluster.refuse = 3;
    for frame in 2..=5 {
        cluster.frame(publisher, frame, false);
    }
    assert_eq!(cluster.worlds[0].node.counters().dropped.of(DropReason::Relay), 3);
    let camera = cluster.client(publisher).camera();
    assert!(cluster.client(publisher).rtcp.contains(&Incoming::KeyframeRequest { ssrc: camera }));
    cluster.frame(publisher, 6, true);
    assert_eq!(cluster.client(viewer).pictures().last(), Some(&6));
}

#[test]
fn messages_go_from_one_worker_to_another_only_where_they_may() {
    let mut cluster = Cluster::connected(&[2, 1]);
    let (a, other, b) = (cluster.id((0, 0)), cluster.id((0, 1)), cluster.id((1, 0)));
    cluster.worlds[0].node.pass_data(a, b, WorkerId(1), true).expect("passed");
    let message = DataMessage { text: true, payload: Bytes::from_static(b"here") };
    let say = |cluster: &mut Cluster, who| {
        let key = cluster.worlds[0].node.by_id[&who];
        cluster.worlds[0].node.pass_message(Instant::now(), key, &message);
        cluster.carry();
        (undelivered(&cluster.worlds[0]), undelivered(&cluster.worlds[1]))
    };
    assert_eq!(say(&mut cluster, a), (0, 1), "it came that far: nobody has opened a channel");
    assert_eq!(say(&mut cluster, other), (1, 1), "nobody may hear the other one");
    cluster.worlds[0].node.pass_data(a, b, WorkerId(1), false).expect("no longer");
    assert_eq!(say(&mut cluster, a), (2, 1));

    // Whoever is gone is found to be gone where the message arrives.
    cluster.worlds[0].node.pass_data(a, b, WorkerId(1), true).expect("passed");
    let now = cluster.worlds[1].now;
    cluster.worlds[1].node.leave(now, b);
    assert_eq!(say(&mut cluster, a), (2, 2));
}

/// What may happen, in any order.
#[derive(Clone, Debug)]
enum Step {
    Join(usize, u8),
    Leave(u8),
    /// Describe a camera now; attach it later, when much may have changed.
    Export(u8),
    Import(usize, u8),
    Attach(u8, u8),
    Detach(u8),
    Pass(u8, u8, bool),
    Packet(u8),
    /// Carry some of the messages that wait.
    Carry(usize),
}

const WORKERS: usize = 3;
const PEOPLE: u8 = 6;

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    prop_oneof![
        3 => (0..WORKERS, who.clone()).prop_map(|(worker, who)| Step::Join(worker, who)),
        2 => who.clone().prop_map(Step::Leave),
        2 => who.clone().prop_map(Step::Export),
        3 => (0usize..8, who.clone()).prop_map(|(export, to)| Step::Import(export, to)),
        5 => (who.clone(), who.clone()).prop_map(|(from, to)| Step::Attach(from, to)),
        2 => who.clone().prop_map(Step::Detach),
        2 => (who.clone(), who.clone(), any::<bool>()).prop_map(|(a, b, on)| Step::Pass(a, b, on)),
        3 => who.prop_map(Step::Packet),
        5 => (1usize..6).prop_map(Step::Carry),
    ]
}

/// Nodes without connected clients: routes do not need them.
struct Bare {
    now: Instant,
    nodes: Vec<Node>,
    carried: Carried,
    /// Where each person is, and under which id: everybody who joins again is somebody else.
    places: [Option<(usize, ParticipantId)>; PEOPLE as usize],
    exports: Vec<crate::node::Export>,
    request: JoinRequest,
    next: u64,
}

impl Bare {
    fn new() -> Self {
        let now = Instant::now();
        let request = Client::new(now, 1).request();
        let node = |worker| World::on_worker(WorkerId(worker as u8), now, 0..0).node;
        Self {
            now,
            nodes: (0..WORKERS).map(node).collect(),
            carried: Carried::new(),
            places: [None; PEOPLE as usize],
            exports: Vec::new(),
            request,
            next: 100,
        }
    }

    fn take(&mut self, step: Step) {
        let slot = Mid::new("3").expect("mid");
        let at = |who: u8| self.places[usize::from(who)];
        match step {
            Step::Join(worker, who) if at(who).is_none() => {
                let id = ParticipantId(self.next);
                self.next += 1;
                self.nodes[worker].join(self.now, id, &self.request).expect("joined");
                self.places[usize::from(who)] = Some((worker, id));
            }
            Step::Leave(who) => {
                if let Some((worker, id)) = self.places[usize::from(who)].take() {
                    self.nodes[worker].leave(self.now, id);
                }
            }
            Step::Export(who) => {
                if let Some((worker, id)) = at(who) {
                    self.exports.push(self.nodes[worker].export(id, Source::Camera).expect("published"));
                }
            }
            Step::Import(export, to) => {
                if let (Some(export), Some((worker, to))) = (self.exports.get(export), at(to)) {
                    // An export of somebody here who has left is refused; from elsewhere nobody can know yet.
                    let _ = self.nodes[worker].import(self.now, export, to, slot);
                }
            }
            Step::Attach(from, to) if from != to => {
                if let (Some((source, from)), Some((worker, to))) = (at(from), at(to)) {
                    let export = self.nodes[source].export(from, Source::Camera).expect("published");
                    self.nodes[worker].import(self.now, &export, to, slot).expect("attached");
                }
            }
            Step::Detach(who) => {
                if let Some((worker, id)) = at(who) {
                    self.nodes[worker].detach(id, slot).expect("detached");
                }
            }
            Step::Pass(a, b, on) if a != b => {
                if let (Some((on_a, a)), Some((on_b, b))) = (at(a), at(b)) {
                    self.nodes[on_a].pass_data(a, b, WorkerId(on_b as u8), on).expect("passed");
                }
            }
            Step::Packet(who) => {
                if let Some((worker, id)) = at(who) {
                    let key = self.nodes[worker].find_feed(id, Source::Camera).expect("published");
                    let header = RtpHeader {
                        marker: true,
                        payload_type: VIDEO,
                        sequence: 1,
                        timestamp: 1,
                        ssrc: Ssrc(1),
                    };
                    let mut packet = Vec::new();
                    header.write_packet(&[], &[0x10, 0, 0, 0], &mut packet);
                    self.nodes[worker].publish(self.now, key, 0, 70_000, &packet, false);
                }
            }
            Step::Carry(count) => self.carry(count),
            Step::Join(..) | Step::Attach(..) | Step::Pass(..) => {}
        }
    }

    /// Messages between two workers keep their order; between different pairs there is none.
    fn carry(&mut self, count: usize) {
        for node in &mut self.nodes {
            collect(node, &mut self.carried);
        }
        for turn in 0..count {
            if self.carried.is_empty() {
                return;
            }
            let any = (self.next as usize * 31 + turn * 17) % self.carried.len();
            let pair = (self.carried[any].0, self.carried[any].1);
            let first = self.carried.iter().position(|it| (it.0, it.1) == pair).unwrap_or(any);
            let Some((from, to, message, bytes)) = self.carried.remove(first) else { return };
            let node = &mut self.nodes[usize::from(to.0)];
            node.handle_relay(self.now, from, message.with_bytes(&bytes));
            collect(node, &mut self.carried);
        }
    }

    /// Nothing is on its way: what two nodes believe of each other must be the same.
    fn check(&self) {
        let mut mirrors: Vec<(WorkerId, (WorkerId, FeedId))> = Vec::new();
        let mut mirrored: Vec<(WorkerId, (WorkerId, FeedId))> = Vec::new();
        let named = |node: &Node, key: usize| node.feed_id(key);
        for node in &self.nodes {
            for (key, feed) in &node.feeds {
                for place in &feed.subscribers {
                    let slot = &node.participants[place.participant].slots[place.slot];
                    assert_eq!(slot.shows(), Some(key), "subscribers and slots agree");
                }
                let here: FeedId = named(node, key);
                match feed.origin {
                    Origin::Local { .. } => {
                        mirrored.extend(feed.mirrors.iter().map(|it| (it.worker, (node.worker(), it.feed))))
                    }
                    Origin::Remote { worker, .. } => {
                        assert!(!feed.subscribers.is_empty(), "a mirror nobody looks at");
                        mirrors.push((node.worker(), (worker, here)));
                    }
                }
            }
            for (key, participant) in &node.participants {
                for slot in &participant.slots {
                    if let Some(feed) = slot.shows() {
                        assert!(node.feeds[feed].subscribers.iter().any(|place| place.participant == key));
                    }
                }
            }
        }
        let by_name = |it: &(WorkerId, (WorkerId, FeedId))| (it.0, it.1.0, format!("{:?}", it.1.1));
        mirrors.sort_by_key(by_name);
        mirrored.sort_by_key(by_name);
        assert_eq!(mirrors, mirrored, "every mirror is fed, and nothing else is");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_the_order_of_events_the_workers_agree_in_the_end_and_nothing_is_left_over(
        steps in proptest::collection::vec(step(), 1..120),
    ) {
        let mut bare = Bare::new();
        for step in steps {
            bare.take(step);
        }
        bare.carry(usize::MAX);
        bare.check();
        for who in 0..PEOPLE {
            bare.take(Step::Leave(who));
        }
        bare.carry(usize::MAX);
        for node in &mut bare.nodes {
            prop_assert!(node.feeds.is_empty() && node.mirrors.is_empty() && node.participants.is_empty());
            prop_assert_eq!(node.poll_relay(), None);
            prop_assert_eq!(node.deadline(), None);
        }
    }
}

#[test]
fn a_worker_that_has_failed_is_forgotten_by_the_others() {
    let mut cluster = Cluster::connected(&[2, 1]);
    let (publisher, neighbour, stranger) = ((0, 0), (0, 1), (1, 0));
    for (from, to) in [(publisher, neighbour), (publisher, stranger), (stranger, publisher)] {
        cluster.attach(from, to).expect("attached");
    }
    cluster.frame(publisher, 1, true);
    cluster.frame(stranger, 1, true);
    assert_eq!(cluster.client(publisher).pictures(), [1]);
    let world = &mut cluster.worlds[0];
    world.node.worker_gone(world.now, WorkerId(1));
    assert!(world.node.feeds.iter().all(|(_, feed)| feed.mirrors.is_empty() && feed.who.0 != 3));
    let carried = cluster.packets;
    cluster.frame(publisher, 2, false);
    assert_eq!(cluster.packets, carried, "nothing is sent into the void");
    assert_eq!(cluster.client(neighbour).pictures(), [1, 2]);
}
