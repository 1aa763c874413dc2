"""URLs of the client portal."""

from django.urls import path

from portico.web.portal import (
    account_settings,
    ask_for_help,
    billing,
    billing_documents,
    change_email,
    client_chooser,
    home,
    pay_now,
    payment_status,
    view_ending,
)
from portico.web.portal.documents import (
    completed,
    completion,
    declining,
    document,
    document_list,
    shared_file,
    uploads,
)
from portico.web.portal.documents.forms import form, form_review

app_name = "portal"
urlpatterns = [
    path("home/", home.show, name="home"),
    path("who/", client_chooser.choose, name="who"),
    path("billing/", billing.index, name="billing"),
    path("billing/payment/", pay_now.pay_balance, name="pay_balance"),
    path("billing/statement/", billing_documents.statement, name="statement"),
    path("billing/statement/pdf/", billing_documents.statement_pdf, name="statement_pdf"),
    path("billing/<str:ref>/pdf/", billing_documents.invoice_pdf, name="invoice_pdf"),
    path("receipts/<str:ref>/", billing_documents.receipt, name="receipt"),
    path("receipts/<str:ref>/pdf/", billing_documents.receipt_pdf, name="receipt_pdf"),
    path("refunds/<str:ref>/", billing_documents.refund_receipt, name="refund_receipt"),
    path("refunds/<str:ref>/pdf/", billing_documents.refund_receipt_pdf, name="refund_receipt_pdf"),
    path("billing/<str:ref>/", billing.show, name="invoice"),
    path("billing/<str:ref>/payment/", pay_now.pay_invoice, name="pay_invoice"),
    path("payments/<str:ref>/", payment_status.show, name="payment"),
    path("payments/<str:ref>/again/", payment_status.start_again, name="payment_again"),
    path("cards/<str:ref>/removing/", pay_now.remove_card, name="card_removing"),
    path("documents/", document_list.index, name="documents"),
    path("documents/<str:ref>/", document.show, name="document"),
    path("documents/<str:ref>/pages/<int:page>/", form.page, name="document_page"),
    path("documents/<str:ref>/review/", form_review.review, name="document_review"),
    path("documents/<str:ref>/done/", completion.done, name="documents_done"),
    path("documents/<str:ref>/pdf/", completed.pdf, name="document_pdf"),
    path("documents/<str:ref>/file/", shared_file.download, name="shared_file"),
    path("documents/<str:ref>/upload/", uploads.upload, name="upload"),
    path("documents/<str:ref>/uploads/<str:upload>/removing/", uploads.remove, name="upload_removing"),
    path("documents/<str:ref>/declining/", declining.decline, name="document_declining"),
    path("profile/", account_settings.show, name="profile"),
    path("profile/email/", change_email.ask, name="change_email"),
    path("request/", ask_for_help.show, name="ask_for_help"),
    path("sessions/ending/", account_settings.end_other_sessions, name="sessions_ending"),
    path("sessions/<str:ref>/end/", account_settings.end_session, name="session_end"),
    path("view/ending/", view_ending.end, name="view_ending"),
    path("sign-out/", account_settings.sign_out, name="sign_out"),
]
