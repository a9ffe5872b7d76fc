//! People whose network changes under them.

use std::time::Duration;

use super::*;
use crate::node::{DropReason, LeaveReason};

fn is_gone(world: &World) -> bool {
    world.events.iter().any(|event| matches!(event, Event::Left { reason: LeaveReason::Timeout, .. }))
}

#[test]
fn a_publisher_behind_a_nat_that_forgot_it_is_heard_again_with_its_next_check() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    // The NAT gives it another port; neither side was told.
    world.clients[0].addr.remote.set_port(6000);
    let before = world.node.counters().dropped.of(DropReason::Unvalidated);
    world.send_frame(0, 2, false);
    assert_eq!(
        world.node.counters().dropped.of(DropReason::Unvalidated),
        before + 1,
        "this could be anybody"
    );
    world.check(0);
    world.send_frame(0, 3, false);
    world.send_frame(0, 4, false);
    assert_eq!(world.clients[1].pictures(), [1, 3, 4]);
    assert_eq!(world.node.stats(world.clients[0].id).expect("here").remote, Some(world.clients[0].addr));
}

#[test]
fn from_wifi_to_mobile_media_moves_with_the_first_check_that_says_so_and_stays() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    let wifi = world.clients[1].addr;
    let mobile: Path = SocketAddr::from(([203, 0, 113, 9], 7000)).into();
    // Both networks are tried for a while; only the nominated one counts.
    world.clients[1].addr = mobile;
    let attempt = world.clients[1].check(false);
    world.send(1, &attempt);
    world.clients[1].addr = wifi;
    world.send_frame(0, 2, false);
    world.clients[1].addr = mobile;
    world.check(1);
    let (now, mut late) = (world.now, world.clients[1].check(false));
    world.node.handle_datagram(now, wifi, &mut late);
    world.send_frame(0, 3, false);
    world.send_frame(0, 4, false);
    assert_eq!(world.clients[1].pictures(), [1, 2, 3, 4], "not one is lost, none goes to the old network");
}

#[test]
fn nothing_more_is_sent_where_there_is_no_consent() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    for _ in 0..4 {
        world.pass(Duration::from_secs(10));
        world.check(0);
    }
    assert!(is_gone(&world));
    let seen = world.clients[1].pictures().len();
    world.send_frame(0, 2, true);
    assert_eq!(world.clients[1].pictures().len(), seen);
}

#[test]
fn who_is_heard_on_another_path_only_is_found_there_when_consent_ends() {
    let mut world = World::connected(2);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    world.clients[1].addr.remote.set_port(7000);
    for _ in 0..7 {
        // Its nomination is lost each time.
        world.pass(Duration::from_secs(5));
        let attempt = world.clients[1].check(false);
        world.send(1, &attempt);
        world.check(0);
    }
    assert!(!is_gone(&world));
    world.send_frame(0, 2, true);
    assert_eq!(world.clients[1].pictures(), [1, 2]);
}

#[test]
fn a_call_over_tcp_is_a_call_and_goes_on_over_udp_when_the_connection_breaks() {
    let mut world = World::new(2);
    world.clients[1].addr = Path::tcp(world.clients[1].addr.remote);
    world.connect();
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    assert_eq!(world.clients[1].pictures(), [1]);

    let (now, tcp) = (world.now, world.clients[1].addr);
    world.node.path_closed(now, tcp);
    world.node.path_closed(now, tcp);
    world.send_frame(0, 2, false);
    assert_eq!(world.clients[1].pictures(), [1], "there is nowhere to send");
    // The same address and port, but by UDP: another path.
    world.clients[1].addr = tcp.remote.into();
    world.check(1);
    world.send_frame(0, 3, true);
    assert_eq!(world.clients[1].pictures(), [1, 3]);
    assert!(!is_gone(&world));
}

#[test]
fn nobody_takes_the_path_of_somebody_who_is_alive() {
    let mut world = World::connected(3);
    world.attach_camera(0, 1);
    world.send_frame(0, 1, true);
    // The third writes the address of the first into a check of their own.
    let (own, stolen) = (world.clients[2].addr, world.clients[0].addr);
    world.clients[2].addr = stolen;
    world.check(2);
    world.clients[2].addr = own;
    world.send_frame(0, 2, false);
    assert_eq!(world.clients[1].pictures(), [1, 2]);
    // Nor does it take anything along.
    let third = world.clients[2].id;
    world.node.leave(world.now, third);
    world.send_frame(0, 3, false);
    assert_eq!(world.clients[1].pictures(), [1, 2, 3]);
    world.join(2);
    world.check(2);
    // Once the first has been silent for long it may be the third's: NATs give ports away again.
    world.pass(Duration::from_secs(11));
    world.clients[2].addr = stolen;
    world.check(2);
    let forged = world.node.counters().dropped.of(DropReason::Forged);
    world.send_frame(0, 4, false);
    assert_eq!(world.node.counters().dropped.of(DropReason::Forged), forged + 1);
}
