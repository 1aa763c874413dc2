"""The portal's addresses."""

from django.urls import path

from portico.web.portal import billing, home, papers, paying, payment, people, profile

app_name = "portal"
urlpatterns = [
    path("home/", home.show, name="home"),
    path("who/", people.choose, name="who"),
    path("billing/", billing.index, name="billing"),
    path("billing/payment/", paying.pay_balance, name="pay_balance"),
    path("billing/statement/", papers.statement, name="statement"),
    path("billing/statement/pdf/", papers.statement_pdf, name="statement_pdf"),
    path("billing/<str:ref>/pdf/", papers.invoice_pdf, name="invoice_pdf"),
    path("receipts/<str:ref>/", papers.receipt, name="receipt"),
    path("receipts/<str:ref>/pdf/", papers.receipt_pdf, name="receipt_pdf"),
    path("refunds/<str:ref>/", papers.refund_receipt, name="refund_receipt"),
    path("refunds/<str:ref>/pdf/", papers.refund_receipt_pdf, name="refund_receipt_pdf"),
    path("billing/<str:ref>/", billing.show, name="invoice"),
    path("billing/<str:ref>/payment/", paying.pay_invoice, name="pay_invoice"),
    path("payments/<str:ref>/", payment.show, name="payment"),
    path("payments/<str:ref>/again/", payment.start_again, name="payment_again"),
    path("cards/<str:ref>/removing/", paying.remove_card, name="card_removing"),
    path("profile/", profile.show, name="profile"),
    path("sessions/ending/", profile.end_other_sessions, name="sessions_ending"),
    path("sessions/<str:ref>/end/", profile.end_session, name="session_end"),
    path("sign-out/", profile.sign_out, name="sign_out"),
]
