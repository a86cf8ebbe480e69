"""Long work in steps."""

import asyncio

from studio_widgets.gallery.steps import Steps


def well(step):
    step()
    return True


def counting(done, to):
    for number in range(to):
        done.append(number)
        yield


def test_a_script_has_it_done_at_once():
    done = []
    Steps(well).begin(counting(done, 3), lambda: done.append("end"))
    assert done == [0, 1, 2, "end"]


def test_other_things_go_on_between_two_steps():
    async def main():
        done = []
        steps = Steps(well)
        steps.begin(counting(done, 3), lambda: done.append("end"))
        done.append("other")
        while steps.is_working:
            await asyncio.sleep(0)
        return done

    assert asyncio.run(main()) == [0, "other", 1, 2, "end"]


def test_what_is_stopped_ends_where_it_is_and_says_so():
    async def main():
        done, ended = [], asyncio.Event()
        steps = Steps(well)
        steps.begin(counting(done, 1000), ended.set)
        steps.stop()
        await asyncio.wait_for(ended.wait(), 5)
        return done, steps.is_working

    assert asyncio.run(main()) == ([0], False)


def test_work_that_fails_ends():
    done = []

    def badly(step):
        step()
        return len(done) < 2

    Steps(badly).begin(counting(done, 9), lambda: done.append("end"))
    assert done == [0, 1, "end"]
