"""A person's page: what they refuse is named, and each button says what it does to it."""

from __future__ import annotations

import html

from sintalk.contacts import opt_outs
from sintalk.contacts import service as contacts


def test_who_refuses_a_channel_can_still_be_left_alone_altogether(signed_in, alice):
    actor = alice.actor()
    clients = contacts.create_list(alice.tenant_id, name="Clientes")
    person = contacts.create_contact(alice.tenant_id, clients.id, name="Ana", phone="+5511999990001")
    path = f"/contacts/{clients.id}/people/{person.id}"

    def page() -> str:
        answer = signed_in.get(path)
        assert answer.status_code == 200
        return html.unescape(answer.get_data(as_text=True))

    assert "Parar mensagens" in page() and "Permitir mensagens" not in page().split("<dialog")[0]
    opt_outs.opt_out(alice.tenant_id, phone="+5511999990001", channel="sms", by=actor)
    shown = page()
    head = shown.split("<dialog")[0]
    assert (
        "Descadastrada: SMS" in head and "Parar todas as mensagens" in head and "Permitir mensagens" in head
    )
    assert "Isso retira a recusa de SMS." in shown
    assert signed_in.post(f"{path}/opt-out").status_code == 303
    shown = page()
    head = shown.split("<dialog")[0]
    assert "Parar" not in head and "Permitir mensagens" in head
    assert "Isso retira a recusa de todos os canais e a de SMS." in shown
    assert signed_in.post(f"{path}/opt-in").status_code == 303
    assert opt_outs.channels_of(alice.tenant_id, "+5511999990001") == []
