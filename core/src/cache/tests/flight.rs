//! One verification for all who bring the same credential.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_first_uses_at_once_verify_once() {
    // kubernetes#83259: a thundering herd.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        requests.spawn(desk.resolve(b"abc", slow.verify(emily)));
    }
    settle().await;
    slow.go.notify_one();
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| says(answer) == Ok(1)));
    assert_eq!((slow.calls(), desk.cache.counts().joins, desk.cache.counts().flights), (1, 999, 0));
    assert_eq!(knows(&desk.look(b"abc")), Some(true));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_restarts_nothing_and_fails_nobody() {
    // L3: the leader is dropped after so many polls, with the verifier at rest, at work, and done.
    for polls in 1..4 {
        let (desk, slow) = (Desk::plain(), Slow::default());
        let mut leader = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
        for _ in 0..polls {
            assert!(poll_once(leader.as_mut()).is_pending());
            settle().await;
        }
        let joiner = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
        settle().await;
        drop(leader);
        slow.go.notify_one();
        assert_eq!((says(&joiner.await.unwrap()), slow.calls()), (Ok(1), 1), "{polls} polls");
    }
    // Nobody is left at all: the answer is kept nevertheless.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut alone = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
    assert!(poll_once(alone.as_mut()).is_pending());
    drop(alone);
    slow.go.notify_one();
    settle().await;
    assert_eq!((knows(&desk.look(b"abc")), desk.queue.len()), (Some(true), 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_no_answer_for_those_that_wait_and_nothing_to_those_that_come() {
    let desk = Desk::plain();
    let panics = || async {
        yield_now().await;
        panic!("a verifier's fault")
    };
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(desk.resolve(b"abc", panics));
    }
    assert!(requests.join_all().await.iter().all(|answer| says(answer) == Err("unavailable")));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
    assert_eq!(says(&desk.resolve(b"abc", || async { emily() }).await), Ok(1));
    assert_eq!(says(&desk.decide_now(b"abd", || panic!("a verifier's fault"))), Err("unavailable"));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_frees_the_flight_but_not_the_permit_of_the_thread() {
    // L4
    let mut desk = Desk::plain();
    desk.queue = Queue::new(QueueLimits::at_once(1));
    let thread = Arc::new(Mutex::new(None));
    let held = thread.clone();
    let hangs = move || {
        let held = held.clone();
        async move {
            *held.lock().unwrap() = WorkPermit::current();
            std::future::pending().await
        }
    };
    assert_eq!(says(&desk.resolve(b"abc", hangs).await), Err("unavailable"));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
    let next = Slow::default();
    let request = tokio::spawn(desk.resolve(b"abc", next.verify(emily)));
    settle().await;
    assert_eq!(next.calls(), 0, "the thread still works");
    thread.lock().unwrap().take().expect("the verifier was given a permit");
    next.go.notify_one();
    assert_eq!((says(&request.await.unwrap()), next.calls()), (Ok(1), 1));
}

#[test]
fn without_a_runtime_there_is_no_answer_and_no_flight() {
    let desk = Desk::plain();
    let request = pin!(desk.resolve(b"abc", || async { emily() }));
    assert!(matches!(poll_once(request), Poll::Ready(Outcome::Unavailable(_))));
    assert_eq!(desk.cache.counts().flights, 0);
}

#[test]
fn a_runtime_that_stops_wakes_those_that_wait() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut request = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(poll_fn(|context| {
        assert!(request.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    drop(runtime);
    assert!(matches!(poll_once(request.as_mut()), Poll::Ready(Outcome::Unavailable(_))));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_and_what_was_not_judged_are_shared_and_never_kept() {
    // H9, Apicurio#8076, platform-mesh#233: an outage cached as a refusal.
    type Says = fn() -> Answer<u32>;
    let down: Says = || Answer::Unavailable(Unavailable::because("down"));
    let unjudged: Says = || Answer::Unjudged;
    for (answer, expected) in [(down, Err("unavailable")), (unjudged, Err("unjudged"))] {
        let (desk, slow) = (Desk::plain(), Slow::default());
        let mut requests = JoinSet::new();
        for _ in 0..3 {
            requests.spawn(desk.resolve(b"abc", slow.verify(answer)));
        }
        settle().await;
        slow.go.notify_one();
        assert!(requests.join_all().await.iter().all(|answer| says(answer) == expected));
        assert_eq!((slow.calls(), knows(&desk.look(b"abc"))), (1, None));
        assert_eq!(says(&desk.decide_now(b"abc", answer)), expected);
        assert_eq!(knows(&desk.look(b"abc")), None);
        assert_eq!(says(&desk.resolve(b"abc", || async { emily() }).await), Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_may_reuse_are_neither_shared_nor_kept() {
    let mut desk = Desk::plain();
    desk.terms.life = None;
    for (longest_life, life) in [(MINUTE, None), (Duration::ZERO, Some(MINUTE))] {
        let mut desk = Desk::new(CacheOptions::default().longest_life(longest_life));
        desk.terms.life = life;
        let slow = Slow::default();
        let requests: Vec<_> = (0..3).map(|_| tokio::spawn(desk.resolve(b"abc", slow.verify(emily)))).collect();
        settle().await;
        assert_eq!(slow.calls(), 3);
        slow.go.notify_waiters();
        for request in requests {
            assert_eq!(says(&request.await.unwrap()), Ok(1));
        }
        assert_eq!((knows(&desk.look(b"abc")), desk.cache.counts().entries), (None, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_beyond_its_share_is_told_to_come_back_and_others_are_not() {
    let mut desk = Desk::plain();
    desk.queue = Queue::new(QueueLimits::at_once(1).waiting(8).share(2));
    let slow = Slow::default();
    let mut waiting: Vec<_> =
        [b"a", b"b"].map(|raw| Box::pin(desk.resolve(raw, slow.verify(emily)))).into_iter().collect();
    for request in &mut waiting {
        assert!(poll_once(request.as_mut()).is_pending());
    }
    assert_eq!(says(&desk.resolve(b"c", slow.verify(emily)).await), Err("busy"));
    // Who waits for what is verified already takes no place.
    let mut joiner = Box::pin(desk.resolve(b"a", slow.verify(emily)));
    assert!(poll_once(joiner.as_mut()).is_pending());
    assert_eq!(desk.queue.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_arrives_between_the_look_and_the_flight_is_used() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    // Both have missed; the second is polled when the first has landed.
    let second = desk.resolve(b"abc", slow.verify(emily));
    let first = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
    settle().await;
    slow.go.notify_one();
    first.await.unwrap();
    assert_eq!((says(&second.await), slow.calls()), (Ok(1), 1));
}
