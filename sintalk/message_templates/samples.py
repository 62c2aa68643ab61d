"""A template of each kind for a new installation to play with; the schemas read them like anybody's."""

from __future__ import annotations

from typing import Any

#: The person in whose name editors show what a message looks like, by folded name.
VALUES = {"nome": "João da Silva", "telefone": "+5511999998888", "email": "joao@exemplo.com.br"}

SAMPLES: list[dict[str, Any]] = [
    {
        "name": "Oferta da semana (SMS)",
        "channel": "sms",
        "sms": {
            "text": "Oi {{nome|cliente}}! Esta semana tem 20% de desconto na loja de {{Cidade|sua cidade}}. "
            "Mostre este SMS no caixa. Responda SAIR para sair.",
            "encoding": "gsm7",
        },
    },
    {
        "name": "Aviso de entrega (SMS)",
        "channel": "sms",
        "sms": {"text": "Olá {{nome}}, seu pedido saiu para entrega e chega hoje até as 18h."},
    },
    {
        "name": "Novidades da vitrine (RCS)",
        "channel": "rcs",
        "rcs": {
            "type": "carousel",
            "carousel": {
                "card_width": "medium",
                "cards": [
                    {
                        "title": "Tênis de corrida",
                        "description": "Leve e macio, em três cores. De R$ 299 por R$ 239.",
                        "suggestions": [{"type": "reply", "text": "Quero este", "postback_data": "tenis"}],
                    },
                    {
                        "title": "Mochila urbana",
                        "description": "Cabe o notebook e a marmita. R$ 149.",
                        "suggestions": [{"type": "reply", "text": "Quero esta", "postback_data": "mochila"}],
                    },
                    {
                        "title": "Garrafa térmica",
                        "description": "Gelada por 24 horas. R$ 89.",
                        "suggestions": [{"type": "reply", "text": "Quero esta", "postback_data": "garrafa"}],
                    },
                ],
            },
            "suggestions": [
                {
                    "type": "open_url",
                    "text": "Ver a loja",
                    "postback_data": "loja",
                    "url": "https://example.com/loja",
                }
            ],
            "traffic_type": "promotion",
            "fallback": {
                "sms": {"text": "Oi {{nome|cliente}}, chegaram novidades: https://example.com/loja"}
            },
        },
    },
    {
        "name": "Lembrete de consulta (voz)",
        "channel": "voice",
        "voice": {
            "source": "tts",
            "tts": {
                "text": "Olá {{nome|cliente}}. Lembramos da sua consulta amanhã. "
                "Para confirmar, tecle 1. Para não receber mais ligações, tecle 9."
            },
            "dtmf": {
                "digits": [
                    {"key": "1", "label": "Confirma", "action": "record"},
                    {"key": "9", "label": "Não quer mais ligações", "action": "opt_out"},
                ]
            },
        },
    },
]
