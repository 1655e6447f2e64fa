"""What stands in a bundle for whoever opens it first."""

TEXT = """\
证据包（妇联「娘家」系统）
========================

检验方法：在可信来源取得 verify_bundle.py（不需要其他程序，不联网），然后运行：

    python verify_bundle.py 本文件.zip --key 妇联公钥

程序会说明其中是否有内容被改动、删除、调换或截断，以及在何处。

MANIFEST.json      制作人、时间、各部分的长度与哈希；MANIFEST.sig 是妇联对它的签名
journal/           各服务日志中有关本案的每一行（data 为公开内容，sealed 为封存内容的哈希）
anchors/           锚点：每日签名，载明当日日志的事件总数与哈希树的根；.tst 为时间戳
proofs/            每一行在锚点哈希树中的路径，以及锚点载明的本案事件总数
disclosures.ndjson 谁在何时因何目的获知身份信息；deliveries.ndjson 送达各部门的内容；receipts.ndjson 回执
opened/            仅在公开时才有：报告的内容
federation.pem     签名所用的公钥

An evidence bundle of a women's federation ("Niangjia")
=======================================================

To check it, get verify_bundle.py from a place that you trust (it needs no other program and no network), and run:

    python verify_bundle.py THIS-FILE.zip --key PUBLIC-KEY-OF-THE-FEDERATION --language en

It says whether anything was changed, removed, reordered or cut off, and where.

MANIFEST.json      who made it and when, length and hash of every part; MANIFEST.sig is the federation's signature
journal/           every line of each service's journal about this case: data is public, sealed the hash of what is not
anchors/           signed each day: how many events the journal has, and the root of a hash tree over them; .tst: stamps
proofs/            the path of each line to the root of an anchor; how many events of this case the last anchor counts
disclosures.ndjson who learned what about the people, when and for what; deliveries.ndjson what went to agencies;
                   receipts.ndjson what they answered
opened/            only where content was opened: what was reported
federation.pem     the public key of the signatures
"""
