"""`task`, `case`, `matter`, `user` and `customer_contact`: what Salesforce has, one row per record, its newest version.

A record is one of Salesforce's REST or Bulk API, under Salesforce's field names; columns have them in snake case. Which
of two copies is newer is SystemModstamp, which Salesforce moves with every change. `customer_contact` is Salesforce's
Contact: a `contact` is a leg of Connect here. `matter` is Litify's, the managed package that law firms have their
matters in; matters of another package, or a `Matter__c` of one's own, are an object in a TOML file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from trunkline.objects.model import RECORD_COLUMNS, Column, Object, own_column
from trunkline.objects.origins import SalesforceOrigin
from trunkline.objects.user.origin_tables import origin_from_table

DATABASE: Final = "salesforce"
SALESFORCE_ID_BYTES: Final = 18
"""The API's form of an id; the first 15 characters tell records apart only if letter case counts."""

_DELETED: Final = (
    "Deleted where IsDeleted is true: in the recycle bin, or merged into another record. A record that was purged "
    "before it was read as deleted stays."
)
_NEVER: Final = "Never: Salesforce deactivates users (`is_active`) and deletes none."

_field = partial(own_column, source="Salesforce object reference")


def _key(name: str) -> Column:
    return Column(name, "text", ("Id",), "The record's id, 18 characters; the key.", nullable=False, is_amazon=False,
                  source="Salesforce object reference", length_max=SALESFORCE_ID_BYTES)  # fmt: skip


def _id(name: str, key: str, meaning: str) -> Column:
    return Column(name, "text", (key,), f"{meaning} NULL without one.", is_amazon=False,
                  source="Salesforce object reference", length_max=SALESFORCE_ID_BYTES)  # fmt: skip


def _money(name: str, key: str, meaning: str) -> Column:
    """A currency field has at most 18 digits, of which the organization chooses how many are decimal places."""
    return Column(name, "decimal", (key,), f"{meaning} NULL without any.", "currency", is_amazon=False,
                  source="Salesforce object reference", scale=8)  # fmt: skip


_STAMPS: Final = (
    _id("created_by_id", "CreatedById", "The user who created it."),
    _field("created_date", "CreatedDate", "When it was created.", "timestamp", "UTC"),
    _field("last_modified_date", "LastModifiedDate", "When a person changed it last.", "timestamp", "UTC"),
    _field("system_modstamp", "SystemModstamp", "When a person or Salesforce changed it last; the version.",
           "timestamp", "UTC"),
)  # fmt: skip
_OF_REST: Final = (
    _field(
        "salesforce_type", "attributes.type", "The type of record, as the REST API says it. NULL from the Bulk API."
    ),
    _field("salesforce_url", "attributes.url", "Its address in the REST API. NULL from the Bulk API."),
)
_IS_DELETED: Final = _field("is_deleted", "IsDeleted", "Whether it is in the recycle bin. NULL where not selected.",
                            "boolean")  # fmt: skip


def _object(name: str, salesforce_name: str, grain: str, table: str, columns: tuple[Column, ...],
            delete_rule: str = _DELETED) -> Object:  # fmt: skip
    can_be_deleted = delete_rule == _DELETED
    return Object(
        name=name,
        database=DATABASE,
        warehouse_table=f"connect.{table}",
        grain=grain,
        key=(f"{name}_id",),
        version="system_modstamp",
        event_time="created_date",
        partition="created_date",
        delete_rule=delete_rule,
        columns=(
            _key(f"{name}_id"),
            *columns,
            *_STAMPS,
            *((_IS_DELETED,) if can_be_deleted else ()),
            *_OF_REST,
            *RECORD_COLUMNS,
        ),
        anchor="Id",
        deleted="is_deleted" if can_be_deleted else "",
        records=("records",),
        source=f"Salesforce, {salesforce_name}",
    )


TASK: Final = _object(
    "task",
    "Task",
    "One row per task, the newest version: calls, e-mails and things to do, archived ones too.",
    "f_tasks",
    (
        _id("who_id", "WhoId", "The person it is about: a Contact or a Lead."),
        _id("what_id", "WhatId", "What it is about: a Case, a matter or any other record."),
        _id("owner_id", "OwnerId", "Who does it: a user or a queue of Salesforce."),
        _id("account_id", "AccountId", "The account."),
        _field("subject", "Subject", "The subject line. NULL without one.", pii="indirect"),
        _field("status", "Status", "Its state, such as Not Started or Completed."),
        _field("priority", "Priority", "High, Normal or Low, or the organization's own."),
        _field("type", "Type", "Call, Email and the like. NULL without one."),
        _field("task_subtype", "TaskSubtype", "Task, Call, Email or ListEmail."),
        _field("activity_date", "ActivityDate", "The day it is due, in no time zone. NULL without one.", "date"),
        _field("is_closed", "IsClosed", "Whether its status counts as done.", "boolean"),
        _field("is_archived", "IsArchived", "Whether Salesforce has archived it, after a year.", "boolean"),
        _field("completed_date_time", "CompletedDateTime", "When it was done. NULL while it is open.", "timestamp",
               "UTC"),
        _field("call_type", "CallType", "Inbound, Outbound or Internal. NULL where it is no call."),
        _field("call_duration_s", "CallDurationInSeconds", "Length of the call. NULL where it is no call.", "bigint",
               "s"),
        _field("call_disposition", "CallDisposition", "Result of the call. NULL without one."),
        _field("call_object", "CallObject",
               "The telephony system's id of the call: Connect's contact id where the CTI adapter writes it. NULL "
               "where it is no call."),
    ),
)  # fmt: skip

CASE: Final = _object(
    "case",
    "Case",
    "One row per case, the newest version.",
    "f_cases",
    (
        _field("case_number", "CaseNumber", "The number that people see, with leading zeros."),
        _id("account_id", "AccountId", "The account."),
        _id("customer_contact_id", "ContactId", "The customer; not a contact of Connect."),
        _id("owner_id", "OwnerId", "Who has it: a user or a queue of Salesforce."),
        _id("parent_id", "ParentId", "The case above it."),
        _field("subject", "Subject", "The subject line. NULL without one.", pii="indirect"),
        _field("status", "Status", "Its state, such as New, Working or Closed."),
        _field("origin", "Origin", "How it came: Phone, Email, Web and the like. NULL without one."),
        _field("reason", "Reason", "Why it was opened. NULL without one."),
        _field("type", "Type", "Its kind. NULL without one."),
        _field("priority", "Priority", "High, Medium or Low, or the organization's own."),
        _field("is_closed", "IsClosed", "Whether its status counts as closed.", "boolean"),
        _field("is_escalated", "IsEscalated", "Whether it was escalated.", "boolean"),
        _field("closed_date", "ClosedDate", "When it was closed. NULL while it is open.", "timestamp", "UTC"),
        _field("supplied_email", "SuppliedEmail", "E-mail address given on the web form. NULL without one.",
               pii="direct"),
        _field("supplied_phone", "SuppliedPhone", "Phone number given on the web form. NULL without one.",
               pii="direct"),
    ),
)  # fmt: skip

_LITIFY: Final = "litify_pm__"

MATTER: Final = _object(
    "matter",
    f"{_LITIFY}Matter__c",
    "One row per matter, the newest version.",
    "d_matters",
    (
        _field("matter_name", "Name", "The number or name that people see."),
        _field("display_name", f"{_LITIFY}Display_Name__c", "The name to show. NULL without one.", pii="indirect"),
        _field("status", f"{_LITIFY}Status__c", "Its state, such as Open or Closed."),
        _id("case_type_id", f"{_LITIFY}Case_Type__c", "The kind of matter."),
        _field("practice_area", f"{_LITIFY}Practice_Area2__c", "The practice area. NULL without one."),
        _id("client_id", f"{_LITIFY}Client__c", "The client's account."),
        _id("principal_attorney_id", f"{_LITIFY}Principal_Attorney__c", "The user who leads it."),
        _id("originating_attorney_id", f"{_LITIFY}Originating_Attorney__c", "The user who brought it in."),
        _id("owner_id", "OwnerId", "Who has it: a user or a queue of Salesforce."),
        _field("open_date", f"{_LITIFY}Open_Date__c", "The day it was opened, in no time zone.", "date"),
        _field("close_date", f"{_LITIFY}Close_Date__c", "The day it was closed. NULL while it is open.", "date"),
        _field("closed_reason", f"{_LITIFY}Closed_Reason__c", "Why it was closed. NULL while it is open."),
        _field("incident_date", f"{_LITIFY}Incident_date__c", "The day of the incident. NULL without one.", "date"),
        _field("matter_state", f"{_LITIFY}Matter_State__c", "The state whose law applies. NULL without one."),
        _field("statute_of_limitations", f"{_LITIFY}Statute_Of_Limitations__c",
               "The last day to file. NULL without one.", "date"),
        _money("gross_recovery", f"{_LITIFY}Gross_Recovery__c", "Money recovered before fees."),
        _money("net_recovery", f"{_LITIFY}Net_Recovery__c", "Money recovered after fees."),
        _field("matter_source", f"{_LITIFY}Source__c", "Where the matter came from. NULL without one."),
    ),
)  # fmt: skip

USER: Final = _object(
    "user",
    "User",
    "One row per user of Salesforce, active or not, the newest version.",
    "d_salesforce_users",
    (
        _field("username", "Username", "The login name, in the form of an e-mail address.", pii="indirect"),
        _field("name", "Name", "First and last name.", pii="indirect"),
        _field("first_name", "FirstName", "First name. NULL without one.", pii="indirect"),
        _field("last_name", "LastName", "Last name.", pii="indirect"),
        _field("alias", "Alias", "Short name.", pii="indirect"),
        _field("email", "Email", "E-mail address.", pii="direct"),
        _field("is_active", "IsActive", "Whether the user can log in.", "boolean"),
        _field("user_type", "UserType", "Standard, AutomatedProcess and the like."),
        _id("profile_id", "ProfileId", "The profile."),
        _id("user_role_id", "UserRoleId", "The role."),
        _id("manager_id", "ManagerId", "The user's manager, a user."),
        _field("employee_number", "EmployeeNumber", "Number in the company. NULL without one.", pii="indirect"),
        _field("federation_identifier", "FederationIdentifier",
               "Name for single sign-on, often the user name in Connect. NULL without one.", pii="indirect"),
        _field("title", "Title", "Job title. NULL without one."),
        _field("department", "Department", "Department. NULL without one."),
        _field("division", "Division", "Division. NULL without one."),
        _field("time_zone", "TimeZoneSidKey", "The user's IANA time zone."),
        _field("last_login_date", "LastLoginDate", "When the user logged in last. NULL if never.", "timestamp", "UTC"),
    ),
    _NEVER,
)  # fmt: skip

CUSTOMER_CONTACT: Final = _object(
    "customer_contact",
    "Contact",
    "One row per person whom Salesforce has as a Contact, the newest version.",
    "d_customer_contacts",
    (
        _id("account_id", "AccountId", "The account."),
        _id("owner_id", "OwnerId", "The user who has the contact."),
        _id("reports_to_id", "ReportsToId", "The contact's superior, a contact."),
        _id("master_record_id", "MasterRecordId", "The contact that this one was merged into."),
        _field("name", "Name", "First and last name.", pii="direct"),
        _field("first_name", "FirstName", "First name. NULL without one.", pii="direct"),
        _field("last_name", "LastName", "Last name.", pii="direct"),
        _field("email", "Email", "E-mail address. NULL without one.", pii="direct"),
        _field("phone", "Phone", "Phone number. It joins with a contact's endpoint if both have the same form (E.164). "
               "NULL without one.", pii="direct"),
        _field("mobile_phone", "MobilePhone", "Mobile number. NULL without one.", pii="direct"),
        _field("home_phone", "HomePhone", "Number at home. NULL without one.", pii="direct"),
        _field("other_phone", "OtherPhone", "Another number. NULL without one.", pii="direct"),
        _field("birthdate", "Birthdate", "Date of birth. NULL without one.", "date", pii="indirect"),
        _field("title", "Title", "Job title. NULL without one."),
        _field("department", "Department", "Department. NULL without one."),
        _field("lead_source", "LeadSource", "Where the contact came from. NULL without one."),
        _field("mailing_city", "MailingCity", "City. NULL without one.", pii="indirect"),
        _field("mailing_state", "MailingState", "State or province. NULL without one."),
        _field("mailing_postal_code", "MailingPostalCode", "Postal code. NULL without one.", pii="indirect"),
        _field("mailing_country", "MailingCountry", "Country. NULL without one."),
        _field("last_activity_date", "LastActivityDate", "Day of the latest task or event. NULL without any.", "date"),
    ),
)  # fmt: skip

SALESFORCE_NAMES: Final[Mapping[str, str]] = {
    USER.name: "User",
    CUSTOMER_CONTACT.name: "Contact",
    MATTER.name: f"{_LITIFY}Matter__c",
    CASE.name: "Case",
    TASK.name: "Task",
}
"""Salesforce's API name of each object."""


def with_salesforce(objects: Mapping[str, Object], instance: str, credentials: str) -> dict[str, Object]:
    """The objects, those of Salesforce with it as their origin where the settings name an instance.

    An object that has an origin of its own keeps it. Raises UsageError for settings that are not valid.
    """
    if not instance and not credentials:
        return dict(objects)
    pulled = {}
    for name, sobject in SALESFORCE_NAMES.items():
        obj = objects.get(name)
        if obj is not None and obj.origin is None and obj.database == DATABASE:
            given = {"instance": instance, "credentials": credentials}
            table = {"type": "salesforce", "sobject": sobject} | {key: value for key, value in given.items() if value}
            origin = origin_from_table(table, lambda key: f"salesforce_{key or 'instance'}:")
            assert isinstance(origin, SalesforceOrigin), "the type in the table"
            # An organization need not have every field, nor show it to our user: its column is NULL then.
            pulled[name] = replace(obj, origin=replace(origin, is_lenient=True))
    return {**objects, **pulled}
