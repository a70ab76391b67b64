"""Harm, the law and the press are the owner's at once, in every language; questions before buying are not."""

import pytest

from handlers.alarm import alarm_in, is_harm
from handlers.normalise import normalise

SAFETY = (
    "the lamp caught fire!!",
    "I got an electric shock from your desk lamp yesterday",
    "it started smoking when i plugged it in",
    "there was smoke coming out of the plug",
    "the battery exploded last night",
    "sparks came out of the socket",
    "my son got a shock off it",
    "there's a burning smell from the plug",
    "it smells burnt when it's on",
    "插座有燒焦的味道",
    "台灯着火了！！！",
    "台灯冒烟了",
    "你们的灯漏电，我被电了",
    "檯燈冒煙了",
    "充電器爆炸了",
    "插上去就短路",
    "燈突然起火，嚇死人",
)
HEALTH = (
    "my son burned his hand",
    "a splinter from the cup cut my lip, I'm bleeding",
    "we all got food poisoning from the tea",
    "I had an allergic reaction to the cream",
    "my daughter swallowed a small part",
    "the cream made me really sick",
    "my husband was very sick after two cups of it",
    "狗狗吃了一直吐",
    "we're in hospital now because of your lamp",
    "杯子炸了，割伤嘴了，流血",
    "小孩被燙傷",
    "用了全身过敏",
    "喝了你们的茶拉肚子",
    "手被劃傷了",
    "孩子进医院了",
)
LAW = (
    "I will sue you",
    "my lawyer will be in touch",
    "我要打12315",
    "法院見",
    "再不退我就报警",
    "I'm calling the police",
)
PRESS = (
    "I'll call the newspaper",
    "i'm going public with this",
    "我要曝光你们",
    "我找記者",
    "发抖音让大家看看",
)
NONE = (
    "can it overheat or catch fire?",
    "会漏电吗",
    "這個會不會燙傷小孩",
    "is it safe for people with allergies?",
    "does the cream cause an allergic reaction?",
    "容易过敏吗",
    "does the tea smell of smoke?",
    "I'm sick of waiting",
    "she was sick, so we could not open the door",
    "容易过敏吗",
    "do you sell smoke detectors?",
    "smoked tea, 100 g",
    "火锅底料有货吗",
    "烧水壶多少钱",
    "it has a burnt orange colour",
    "the delivery was on fire, super quick",
    "this price is a shock",
    "I pressed the button",
    "cut the price please",
    "割韭菜的价格",
    "doctor who mug",
    "press the lid down",
    "police hat in stock?",
    "杯子碎了",
    "",
)


@pytest.mark.parametrize("text", SAFETY)
def test_fire_smoke_and_shocks_are_safety(text: str) -> None:
    assert alarm_in(normalise(text)) == "safety"


@pytest.mark.parametrize("text", HEALTH)
def test_whoever_is_hurt_or_ill_is_heard(text: str) -> None:
    concern = alarm_in(normalise(text))
    assert concern is not None
    assert is_harm(concern)


@pytest.mark.parametrize(("text", "concern"), [*((t, "law") for t in LAW), *((t, "press") for t in PRESS)])
def test_the_law_and_the_press_are_no_harm(text: str, concern: str) -> None:
    assert alarm_in(normalise(text)) == concern
    assert not is_harm(concern)


@pytest.mark.parametrize("text", ["0123150000 100", "我的电话 13912315678", "订单12315到哪了", "12315 8000"])
def test_the_consumers_telephone_is_no_part_of_another_number(text: str) -> None:
    assert alarm_in(normalise(text)) is None


@pytest.mark.parametrize("text", NONE)
def test_questions_and_other_words_are_no_alarm(text: str) -> None:
    assert alarm_in(normalise(text)) is None
